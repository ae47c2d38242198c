/** What an ended execution leaves to be remembered, and how it is read from the journal: the same from both. Pure. */

import { advanceOrder, type ExecutionOrder, UNCLAIMED } from '../../schemas/execution-order.ts';
import { parseTerminalOutput, parseUserInput, RETRIEVE } from '../../schemas/execution-payloads.ts';
import {
  type JournalPlace,
  leastTrusted,
  type MemoryOrigin,
  originOfRecalled,
  parseRecollection,
  RECALL,
  type SessionTurn,
} from '../../schemas/recollection.ts';
import type { AgentEvent } from '../../schemas/records.ts';

export interface ToolUse {
  readonly name: string;
  /** JSON of the arguments. */
  readonly input: string;
  readonly worked: boolean;
}

/** An execution that ended, as the runtime knows it or the journal says it. */
export interface EndedExecution {
  readonly executionId: string;
  readonly agent: string;
  readonly tenant: string;
  readonly sessionId: string | null;
  /** Of the event that ended it. */
  readonly place: JournalPlace;
  /** Of that event, microseconds since the Unix epoch. */
  readonly at: number;
  readonly outcome: 'completed' | 'failed' | 'halted';
  readonly question: string;
  /** Text of the answer; empty where there is none. */
  readonly answer: string;
  /** In the order of the calls, without the runtime's own retrieval. */
  readonly tools: readonly ToolUse[];
  /** Passages of the index were before the model. */
  readonly retrieved: boolean;
  /** The least trusted of what it was given to remember: what comes of that is no better. */
  readonly recalled: MemoryOrigin;
  /** In [0, 1]; null where nobody said. */
  readonly feedback: number | null;
}

export const originOf = ({
  tools,
  retrieved,
  recalled,
}: Pick<EndedExecution, 'tools' | 'retrieved' | 'recalled'>): MemoryOrigin =>
  leastTrusted([
    'model',
    recalled,
    ...(retrieved ? (['retrieved'] as const) : []),
    ...(tools.length > 0 ? (['tool'] as const) : []),
  ]);

/** The turn of its session; undefined where it has no session or no answer: errors are no context for what follows. */
export const turnOf = (ended: EndedExecution): SessionTurn | undefined => {
  const { executionId, place, at, question, answer, outcome, sessionId } = ended;
  return sessionId === null || outcome !== 'completed' || answer.trim() === ''
    ? undefined
    : { executionId, place, at, question, answer, origin: originOf(ended) };
};

/** The text of what an execution gave; of an object without one, its JSON. */
export const answerTextOf = (output: unknown): string => {
  if (typeof output === 'string') return output;
  if (typeof output !== 'object' || output === null) return '';
  const { text } = output as { readonly text?: unknown };
  return typeof text === 'string' ? text : JSON.stringify(output);
};

/** Executions that are followed at once; the oldest of more are given up. */
const MOST_OPEN = 50_000;

interface Following {
  order: ExecutionOrder;
  question: string;
  tools: ToolUse[];
  retrieved: boolean;
  recalled: MemoryOrigin;
}

/** What stands elsewhere is not read for it: it may have come from anywhere. */
const originOfRecall = ({ output, outputPayload }: AgentEvent): MemoryOrigin =>
  outputPayload === null ? originOfRecalled(parseRecollection(output)) : 'tool';

export interface EndedFold {
  /** The execution that this event ended, if it did. */
  take(event: AgentEvent, place: JournalPlace): EndedExecution | undefined;
}

/**
 * Folds the journal of one partition, in its order. An execution whose first events lie before the beginning is left
 * out: what was asked is not known. Later events of stale claims change nothing (rule J). `localTenant`: whose an execution is that
 * names none.
 */
export const foldEnded = (localTenant: string): EndedFold => {
  const open = new Map<string, Following>();
  return {
    take: (event, place) => {
      const following = open.get(event.executionId);
      if (!following && event.type !== 'user-input') return undefined;
      const known: Following = following ?? {
        ...{ order: UNCLAIMED, question: '', tools: [] },
        ...{ retrieved: false, recalled: 'user' },
      };
      const order = advanceOrder(known.order, event);
      if (!order) return undefined;
      known.order = order;
      if (!following) {
        open.set(event.executionId, known);
        const [oldest] = open.keys();
        if (open.size > MOST_OPEN && oldest !== undefined) open.delete(oldest);
      }
      if (event.type === 'user-input') known.question = parseUserInput(event.input)?.text ?? '';
      if (event.type === 'memory-update' && event.name === RECALL) known.recalled = originOfRecall(event);
      if (event.type === 'tool-call') {
        if (event.name === RETRIEVE) known.retrieved = true;
        else
          known.tools.push({
            name: event.name ?? '',
            input: event.input ?? '',
            worked: event.error === null,
          });
      }
      if (event.type !== 'response') return undefined;
      open.delete(event.executionId);
      const terminal = parseTerminalOutput(event.output);
      if (!terminal) return undefined;
      const { question, tools, retrieved, recalled } = known;
      const { executionId, agent, tenant, sessionId, at } = event;
      return {
        ...{
          executionId,
          agent,
          tenant: tenant ?? localTenant,
          sessionId,
          place,
          at,
          question,
          tools,
          retrieved,
          recalled,
        },
        outcome: terminal.outcome,
        answer: answerTextOf(terminal.output),
        feedback: null,
      };
    },
  };
};
