/**
 * The state of an execution: a fold of its journal events in log order, and nothing else (rule J). The worker that
 * runs it, the one that takes it over and the replay come to the same state, bit by bit (I10). Pure: times are the
 * events' own.
 */
import { hash as digest } from 'node:crypto';
import type {
  JsonValue,
  ModelMessage,
  TokenBounds,
  ToolCall,
} from '../../connectors/models/language/language-model.ts';
import type { ToolResult } from '../../schemas/agent-definition.ts';
import { type ExecutionCosts, NO_COSTS } from '../../schemas/execution-costs.ts';
import { type ExecutionOrder, UNCLAIMED } from '../../schemas/execution-order.ts';
import type { EndCode, Outcome, UserInput } from '../../schemas/execution-payloads.ts';
import type { AgentEvent } from '../../schemas/records.ts';
import type { Receipt } from '../../schemas/search.ts';
import { EMPTY_LOOP, type LoopState } from '../safety/loop-state.ts';
import { type ClaimHistory, NO_CLAIMS } from '../safety/poison-state.ts';
import type { RetrievedPassage } from './retrieved-passages.ts';
import type { RunTerms } from './run-terms.ts';

export type Phase =
  /** No claim holds yet. */
  | { readonly kind: 'unclaimed' }
  /** To retrieve, or to ask a model. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'calling-model'; readonly step: number; readonly model: string }
  /** What the model asked for, the first to be run next; `approved`: a person has said yes to the first, as it stands. */
  | { readonly kind: 'tools'; readonly calls: readonly ToolCall[]; readonly approved: boolean }
  /** A person is to say yes or no to the first call. */
  | {
      readonly kind: 'awaiting-approval';
      readonly step: number;
      readonly calls: readonly ToolCall[];
      readonly argumentsHash: string;
      readonly since: number;
      /** Microseconds since the Unix epoch. */
      readonly until: number;
    }
  /** An effect under way; orphaned: its worker is gone, and nobody knows whether it happened; again: nor of the try before. */
  | {
      readonly kind: 'calling-tool';
      readonly step: number;
      readonly calls: readonly ToolCall[];
      readonly orphaned: boolean;
      readonly again?: true;
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

/** Code of a call that was not made, as the breaker of its model or tool is open. */
export const BREAKER_OPEN = 'breaker-open';

/** Of a model that was not asked: its breaker lets one through later. It ended the execution in journals of before, which say so. */
export const isHeldBack = ({ code, retryable }: Pick<StepFailure, 'code' | 'retryable'>): boolean =>
  code === BREAKER_OPEN && retryable;

export interface Subtask {
  readonly taskId: string;
  readonly step: number;
  readonly call: ToolCall;
}

/** How it ends, whoever goes on with it: somebody may have been told so. */
export interface Ending {
  readonly outcome: Outcome;
  readonly output: JsonValue;
  readonly error: { readonly code: EndCode; readonly message: string } | null;
  /** Of the call that a cap forbade. */
  readonly bounds: TokenBounds | null;
  /** The output of the response to come, as it stands in the journal. */
  readonly text: string;
}

/** An effect that failed, and so may have happened all the same. */
export interface FailedEffect {
  readonly name: string;
  readonly inputHash: string;
  /** Of the first try: the same call, asked for again, is the same effect. */
  readonly idempotencyKey: string;
}

export interface ExecutionState {
  readonly order: ExecutionOrder;
  readonly hash: string;
  readonly costs: ExecutionCosts;
  readonly phase: Phase;
  readonly input: UserInput | null;
  readonly tenant: string | null;
  readonly terms: RunTerms | null;
  /** Of the agent definition that the last request named. */
  readonly behaviour: string | null;
  /** What follows the question: replies and tool results. */
  readonly messages: readonly ModelMessage[];
  /** Handed to other agents, and not ended. */
  readonly subtasks: readonly Subtask[];
  /** Of all calls of tools, in order. */
  readonly results: readonly ToolResult[];
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
  /** Calls of a model, or of a tool under an intent, in a row whose worker died during them; one that let go in order did not. */
  readonly lostCalls: number;
  /** Microseconds since the Unix epoch, of the first claim; 0 before it. */
  readonly startedAt: number;
  /** What people have taken to approve, microseconds. */
  readonly heldMicros: number;
  /** All tokens of all replies. */
  readonly tokens: number;
  /** Workers that held it, and whether they died of it. */
  readonly claims: ClaimHistory;
  /** What the safety controller has seen. */
  readonly loop: LoopState;
  /** What a person, a budget or a switch put an end to. */
  readonly stop: { readonly code: EndCode; readonly message: string } | null;
  /** Journaled before whoever waits for it was told; null while it may still end in any way. */
  readonly ending: Ending | null;
  /** What memory held at the beginning, as it was recalled; null before that, or without a memory. */
  readonly recollection: JsonValue;
  /** Answers in a row that were not of the agent's shape. */
  readonly invalidOutputs: number;
  /** Of this execution and of what it took over, and neither made nor undone since. */
  readonly failedEffects: readonly FailedEffect[];
}

export const INITIAL_STATE: ExecutionState = {
  order: UNCLAIMED,
  hash: '',
  costs: NO_COSTS,
  phase: { kind: 'unclaimed' },
  input: null,
  tenant: null,
  terms: null,
  behaviour: null,
  messages: [],
  subtasks: [],
  results: [],
  passages: [],
  retrieved: null,
  receipts: [],
  step: 0,
  countedSteps: 0,
  failures: [],
  lostCalls: 0,
  startedAt: 0,
  heldMicros: 0,
  tokens: 0,
  claims: NO_CLAIMS,
  loop: EMPTY_LOOP,
  stop: null,
  ending: null,
  recollection: null,
  invalidOutputs: 0,
  failedEffects: [],
};

/** Of an effect: `executionId:step`, or that of the same call where it failed before, so that asking again makes none twice. */
export const effectKeyOf = (
  { failedEffects }: Pick<ExecutionState, 'failedEffects'>,
  {
    executionId,
    step,
    name,
    inputHash,
  }: Omit<FailedEffect, 'idempotencyKey'> & {
    readonly executionId: string;
    readonly step: number;
  },
): string =>
  failedEffects.find((each) => each.name === name && each.inputHash === inputHash)?.idempotencyKey ??
  `${executionId}:${step}`;

/**
 * sha256 over what the execution has come to: question, passages, replies, outcomes, in order. Times, money, attempts and who
 * holds the claim are left out: two runs that came to know the same in the same order have the same hash. A chain, so that a
 * step costs the same however long the execution is.
 */
export const stateHashOf = (state: ExecutionState): string => state.hash;

/** The hash after an event that taught something. */
export const nextHash = (hash: string, { type, name, input, output, error }: AgentEvent): string =>
  digest(
    'sha256',
    JSON.stringify([hash, type, name, input, output, error && [error.code, error.message]]),
    'hex',
  );
