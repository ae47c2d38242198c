/** What a decision needs beside the state, and how an execution ends: shared by the parts of `decide`. Pure. */
import type { JsonValue, ModelPrompt, TokenBounds } from '../../connectors/models/language/language-model.ts';
import type { AgentDefinition } from '../../schemas/agent-definition.ts';
import type { EndCode } from '../../schemas/execution-payloads.ts';
import { wellFormed } from '../../schemas/well-formed.ts';
import { partialOf } from './answer.ts';
import type { Decision } from './decision.ts';
import type { Ending, ExecutionState, StepFailure } from './execution-state.ts';
import { goesBy, type RunTerms } from './run-terms.ts';

export interface DecisionFacts {
  /** Null where no such agent is configured. */
  readonly agent: AgentDefinition | null;
  /** Why this task is not to be begun at all. */
  readonly refusal: { readonly code: EndCode; readonly message: string } | null;
  /** Of the task; null where it belongs to none. */
  readonly sessionId: string | null;
  /** The most a call can use. Undefined where this worker has no such model. */
  readonly estimate: (modelId: string, prompt: ModelPrompt) => TokenBounds | undefined;
}

export const MAX_ATTEMPTS = 3;
export const MICROS = 1_000;
const FIRST_BACKOFF_MS = 250;
const MAX_BACKOFF_MS = 30_000;

export const complete = (state: ExecutionState, output: JsonValue): Decision => ({
  kind: 'respond',
  step: state.step + 1,
  name: 'completed',
  input: { output, error: null, partial: null },
  bounds: null,
});

export const end = (
  state: ExecutionState,
  outcome: 'failed' | 'halted',
  code: EndCode,
  message: string,
): Extract<Decision, { readonly kind: 'respond' }> => ({
  kind: 'respond',
  step: state.step + 1,
  name: outcome,
  input: { output: null, error: { code, message: wordsOf(state, message) }, partial: partialOf(state) },
  bounds: null,
});

/** As it will be read. */
const wordsOf = ({ terms }: ExecutionState, message: string): string =>
  goesBy(terms, 2) ? wellFormed(message) : message;

/** The end that was journaled before anybody was told of it. */
export const bound = (state: ExecutionState, { outcome, output, error, bounds }: Ending): Decision => ({
  kind: 'respond',
  step: state.step + 1,
  name: outcome,
  input: { output, error, partial: error && partialOf(state) },
  bounds,
});

export const deadlineOf = (state: ExecutionState, { limits }: RunTerms): number =>
  Math.min(
    state.startedAt + state.heldMicros + limits.maxMs * MICROS,
    state.input?.deadlineAt ?? Number.POSITIVE_INFINITY,
  );

/** When a call may be made again: what the provider asked for, at least a backoff that doubles. */
export const retryAt = (failures: readonly StepFailure[]): number => {
  const last = failures.at(-1);
  if (!last) return 0;
  const backoff = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (failures.length - 1));
  return last.at + Math.max(backoff, last.retryAfterMs ?? 0) * MICROS;
};
