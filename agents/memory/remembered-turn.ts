/** What an ended execution leaves to be remembered: the same from the runtime and from the journal. Pure. */

import {
  type JournalPlace,
  leastTrusted,
  type MemoryOrigin,
  type SessionTurn,
} from '../../schemas/recollection.ts';

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

/** What it came to know before its end. */
export type ToldByState = Pick<EndedExecution, 'question' | 'tools' | 'retrieved' | 'recalled'>;

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
