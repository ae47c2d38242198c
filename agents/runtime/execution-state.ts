/**
 * The state of an execution: a fold of its journal events in log order, and nothing else (rule J). The worker that
 * runs it, the one that takes it over and the replay come to the same state, bit by bit (I10). Pure: times are the
 * events' own.
 */
import type { ModelMessage, ToolCall } from '../../connectors/models/language/language-model.ts';
import { hashOf } from '../../schemas/canonical-json.ts';
import { type ExecutionCosts, NO_COSTS } from '../../schemas/execution-costs.ts';
import { type ExecutionOrder, UNCLAIMED } from '../../schemas/execution-order.ts';
import type { UserInput } from '../../schemas/execution-payloads.ts';
import type { Receipt } from '../../schemas/search.ts';
import type { RetrievedPassage } from './retrieved-passages.ts';
import type { RunTerms } from './run-terms.ts';

/** The name of the runtime's own retrieval among a journal's tool calls; no tool may take it. */
export const RETRIEVE = 'retrieve';

export type Phase =
  /** No claim holds yet. */
  | { readonly kind: 'unclaimed' }
  /** To retrieve, or to ask a model. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'calling-model'; readonly step: number; readonly model: string }
  /** What the model asked for, the first to be run next. */
  | { readonly kind: 'tools'; readonly calls: readonly ToolCall[] }
  /** An effect under way; orphaned: its worker is gone, and nobody knows whether it happened. */
  | {
      readonly kind: 'calling-tool';
      readonly step: number;
      readonly calls: readonly ToolCall[];
      readonly orphaned: boolean;
    }
  | {
      readonly kind: 'answered';
      readonly text: string;
      readonly model: string;
      readonly finishReason: string;
    }
  | { readonly kind: 'ended' };

export interface StepFailure {
  /** Model id, or `retrieve`. */
  readonly name: string;
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  /** Microseconds since the Unix epoch. */
  readonly at: number;
  readonly retryAfterMs: number | null;
}

export interface ExecutionState {
  readonly order: ExecutionOrder;
  readonly costs: ExecutionCosts;
  readonly phase: Phase;
  readonly input: UserInput | null;
  readonly tenant: string | null;
  readonly terms: RunTerms | null;
  /** Of the agent definition that the last request named. */
  readonly behaviour: string | null;
  /** What follows the question: replies and tool results. */
  readonly messages: readonly ModelMessage[];
  readonly passages: readonly RetrievedPassage[];
  /** Those that stand beside the question; null before the retrieval. */
  readonly retrieved: readonly RetrievedPassage[] | null;
  readonly receipts: readonly Receipt[];
  /** The last step begun. */
  readonly step: number;
  /** Model calls and tool calls, failed and refused ones included: what the step cap is held against. */
  readonly countedSteps: number;
  /** Since the last success. */
  readonly failures: readonly StepFailure[];
  /** Model calls in a row whose worker died during them. */
  readonly lostCalls: number;
  /** Microseconds since the Unix epoch, of the first claim; 0 before it. */
  readonly startedAt: number;
}

export const INITIAL_STATE: ExecutionState = {
  order: UNCLAIMED,
  costs: NO_COSTS,
  phase: { kind: 'unclaimed' },
  input: null,
  tenant: null,
  terms: null,
  behaviour: null,
  messages: [],
  passages: [],
  retrieved: null,
  receipts: [],
  step: 0,
  countedSteps: 0,
  failures: [],
  lostCalls: 0,
  startedAt: 0,
};

const hashes = new WeakMap<ExecutionState, string>();

/**
 * sha256 of what the execution has come to: question, passages, messages, phase. Times, money, attempts and who
 * holds the claim are left out: two runs that know the same have the same hash.
 */
export const stateHashOf = (state: ExecutionState): string => {
  const known = hashes.get(state);
  if (known) return known;
  const { phase, messages, passages } = state;
  const hash = hashOf({
    input: state.input?.text ?? null,
    phase: phase.kind === 'calling-model' || phase.kind === 'calling-tool' ? { ...phase, step: 0 } : phase,
    messages,
    passages: passages.map(({ documentId, chunk, version }) => [documentId, chunk, version]),
    retrieved: state.retrieved?.map(({ number }) => number) ?? null,
  });
  hashes.set(state, hash);
  return hash;
};
