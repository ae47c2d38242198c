/** What the runtime asks of memory: before the first model step, and after the end. */
import type { JsonValue } from '../../connectors/models/language/language-model.ts';
import type { MemoryPolicy } from '../../schemas/memory-policy.ts';
import { NOTHING_RECALLED, originOfRecalled, type Recollection } from '../../schemas/recollection.ts';
import { answerTextOf, type EndedExecution, type ToldByState } from '../memory/remembered-turn.ts';
import type { Identity } from './execution-journal.ts';
import type { ExecutionState } from './execution-state.ts';

export interface ExecutionMemory {
  /** Bounded in size and time; what is not there when the signal ends is left out. */
  recall(
    ask: {
      readonly agent: string;
      readonly tenant: string;
      readonly sessionId: string | null;
      readonly text: string;
      readonly policy: MemoryPolicy;
      readonly partition: number;
    },
    signal: AbortSignal,
  ): Promise<Recollection>;
  /** Idempotent by execution. */
  remember(ended: EndedExecution & { readonly policy: MemoryPolicy }): Promise<void>;
}

/** Nothing is remembered. */
export const FORGETFUL: ExecutionMemory = {
  recall: async () => NOTHING_RECALLED,
  remember: async () => undefined,
};

/** What memory is told of an execution by its state. */
export const toldOf = (
  state: Pick<ExecutionState, 'input' | 'results' | 'retrieved' | 'recollection'>,
): ToldByState => ({
  question: state.input?.text ?? '',
  tools: state.results.map(({ name, arguments: input, error }) => ({
    name,
    input: JSON.stringify(input),
    worked: error === null,
  })),
  retrieved: state.retrieved !== null,
  recalled: originOfRecalled(state.recollection),
});

/** An execution that has ended, as memory is told of it. */
export const endedOf = (
  state: ExecutionState,
  of: {
    readonly identity: Identity;
    readonly tenant: string;
    readonly outcome: EndedExecution['outcome'];
    readonly output: JsonValue;
    readonly place: EndedExecution['place'];
    readonly at: number;
  },
): EndedExecution => ({
  executionId: of.identity.executionId,
  agent: of.identity.agent,
  tenant: of.tenant,
  sessionId: of.identity.sessionId,
  place: of.place,
  at: of.at,
  outcome: of.outcome,
  answer: answerTextOf(of.output),
  ...toldOf(state),
  feedback: null,
});
