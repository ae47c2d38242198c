/** How each event of the journal changes the state of its execution: complete in events and phases, pure. */

import type {
  JsonValue,
  ModelMessage,
  Thinking,
  TokenBounds,
  ToolCall,
} from '../../connectors/models/language/language-model.ts';
import type { ToolResult } from '../../schemas/agent-definition.ts';
import { APPROVAL_ASKED, approvalRequestOf } from '../../schemas/approval-request.ts';
import { hashOf, hashOnce } from '../../schemas/canonical-json.ts';
import { advanceCosts, DELEGATED } from '../../schemas/execution-costs.ts';
import { advanceOrder } from '../../schemas/execution-order.ts';
import {
  ENDING,
  type EndCode,
  effectTried,
  isUndone,
  NOT_MADE,
  parseTerminalOutput,
  parseUserInput,
  RETRIEVE,
  TRIED,
  UNDONE,
  undoKeyOf,
} from '../../schemas/execution-payloads.ts';
import { RECALL } from '../../schemas/recollection.ts';
import type { AgentEvent } from '../../schemas/records.ts';
import type { SearchResponse } from '../../schemas/search.ts';
import { TOLD_CHARACTERS, toldResult } from '../context/told-result.ts';
import { afterStep, type StepSeen } from '../safety/loop-state.ts';
import { afterClaimEvent } from '../safety/poison-state.ts';
import {
  type Ending,
  type ExecutionState,
  type FailedEffect,
  INITIAL_STATE,
  isHeldBack,
  nextHash,
  type Phase,
} from './execution-state.ts';
import { isOfSearchSize, isSearchResponse, numberPassages } from './retrieved-passages.ts';
import { goesBy, parseRunTerms } from './run-terms.ts';

/** The state after an event. One that does not count changes nothing but the costs. */
export const applyEvent = (state: ExecutionState, event: AgentEvent): ExecutionState => {
  const order = advanceOrder(state.order, event);
  const costs = advanceCosts(state.costs, event, order !== null);
  if (order === null) return costs === state.costs ? state : { ...state, costs };
  const claims = afterClaimEvent(state.claims, event);
  const next = TRANSITIONS[event.type]({ ...state, order, costs, claims }, event);
  // In place, as it was made just now: a state of thirty fields is not copied once more on the path of every step.
  return hasLearned(state, next) ? Object.assign(next, { hash: nextHash(state.hash, event) }) : next;
};

/** Whether an event changed what the execution knows, rather than only how far it is. */
const hasLearned = (before: ExecutionState, after: ExecutionState): boolean =>
  after.messages !== before.messages ||
  after.input !== before.input ||
  after.passages !== before.passages ||
  after.retrieved !== before.retrieved ||
  after.recollection !== before.recollection ||
  after.stop !== before.stop ||
  after.phase.kind === 'ended';

/** `begun`: what they go on from. */
export const foldEvents = (
  events: Iterable<AgentEvent>,
  begun: ExecutionState = INITIAL_STATE,
): ExecutionState => {
  let state = begun;
  for (const event of events) state = applyEvent(state, event);
  return state;
};

const EFFECT_UNKNOWN = 'effect-unknown';
const OUTPUT_INVALID = 'output-invalid';

type Transition = (state: ExecutionState, event: AgentEvent) => ExecutionState;

/** Every type of event, or it does not compile; within one, what does not fit the phase changes nothing. */
const TRANSITIONS: { readonly [Type in AgentEvent['type']]: Transition } = {
  'user-input': (state, event) => ({ ...state, input: parseUserInput(event.input), tenant: event.tenant }),
  request: (state, event) => ({
    ...state,
    terms: parseRunTerms(event.input) ?? state.terms,
    behaviour: event.behaviour,
  }),
  claim: (state, event) => ({
    ...state,
    startedAt: state.startedAt === 0 ? event.at : state.startedAt,
    phase: afterClaim(state.phase),
    lostCalls: state.lostCalls + (isUnderWay(state.phase) ? 1 : 0),
  }),
  intent: (state, event) => {
    const { phase } = state;
    const name = event.name ?? '';
    switch (phase.kind) {
      case 'ready':
      // A planned agent asks again after an answer.
      case 'answered':
        return begin(state, event.step, { kind: 'calling-model', step: event.step, model: name });
      case 'tools':
        if (event.priceTable === DELEGATED) return delegated(state, phase.calls, event);
        return begin(state, event.step, {
          kind: 'calling-tool',
          step: event.step,
          calls: phase.calls,
          orphaned: false,
        });
      case 'calling-tool':
        // Made again under the same key: the same step, and no further one.
        return { ...state, phase: { ...phase, orphaned: false, again: true } };
      case 'unclaimed':
      case 'calling-model':
      case 'awaiting-approval':
      case 'ended':
        return state;
      default:
        return phase satisfies never;
    }
  },
  'llm-response': (state, event) => {
    if (state.phase.kind !== 'calling-model') return state;
    const reply = parseReply(event.output);
    const message: ModelMessage = {
      role: 'assistant',
      content: reply.text,
      ...(reply.toolCalls.length > 0 ? { toolCalls: reply.toolCalls } : {}),
      ...(reply.thinking ? { thinking: reply.thinking } : {}),
    };
    return {
      ...state,
      failures: [],
      lostCalls: 0,
      tokens: state.tokens + (event.usage?.inputTokens ?? 0) + (event.usage?.outputTokens ?? 0),
      messages: [...state.messages, message],
      phase:
        reply.toolCalls.length > 0
          ? { kind: 'tools', calls: reply.toolCalls, approved: false }
          : {
              kind: 'answered',
              text: reply.text,
              model: state.phase.model,
              finishReason: reply.finishReason,
            },
    };
  },
  'tool-call': (state, event) => {
    const { phase } = state;
    if (event.priceTable === DELEGATED) return subtaskEnded(state, event);
    if (phase.kind === 'ready' && event.name === RETRIEVE) return retrieved(state, event);
    if (phase.kind === 'tools') return toolEnded(begin(state, event.step, phase), phase.calls, event);
    if (phase.kind === 'calling-tool') return toolEnded(state, phase.calls, event);
    return state;
  },
  error: (state, event) => {
    const { phase } = state;
    switch (phase.kind) {
      case 'calling-model':
        return { ...failed(state, event), phase: { kind: 'ready' } };
      case 'ready':
        return failed({ ...state, step: event.step }, event);
      case 'tools':
        return toolEnded(begin(state, event.step, phase), phase.calls, event);
      case 'awaiting-approval':
        return toolEnded({ ...heldUntil(state, phase, event), step: event.step }, phase.calls, event);
      case 'calling-tool':
        // It ran out of time: nobody knows whether it happened, as after a crash.
        if (event.error?.code === EFFECT_UNKNOWN) return { ...state, phase: { ...phase, orphaned: true } };
        return toolEnded(state, phase.calls, event);
      case 'answered':
        if (event.error?.code === OUTPUT_INVALID) return outputRefused(state, event);
        return failed({ ...state, step: event.step }, event);
      case 'unclaimed':
      case 'ended':
        return state;
      default:
        return phase satisfies never;
    }
  },
  response: (state, event) => ({ ...state, step: event.step, phase: { kind: 'ended' } }),
  'memory-update': (state, event) =>
    event.name === RECALL ? { ...state, step: event.step, recollection: parsePlain(event.output) } : state,
  checkpoint: (state, event) => CHECKPOINTS[event.name ?? '']?.(state, event) ?? state,
};

/** What people and switches decided, journaled where it was acted on, by its name; and a worker's last word. */
const CHECKPOINTS: Readonly<Record<string, Transition>> = {
  // It let go in order: a call under way is lost, and nobody has died of it.
  released: (state) => ({ ...state, phase: afterClaim(state.phase) }),
  stop: (state, { error }) =>
    error ? { ...state, stop: { code: error.code as EndCode, message: error.message } } : state,
  [NOT_MADE]: (state) => {
    const { phase } = state;
    const countedSteps = state.countedSteps - 1;
    if (phase.kind === 'calling-model') return { ...state, countedSteps, phase: { kind: 'ready' } };
    // Of one that is made again, the first try may have happened all the same.
    if (phase.kind !== 'calling-tool' || phase.again) return state;
    // What a person had to approve is approved: it is the same call.
    return { ...state, countedSteps, phase: { kind: 'tools', calls: phase.calls, approved: true } };
  },
  [UNDONE]: (state, event) => {
    if (!isUndone(event)) return state;
    const stands = (each: FailedEffect): boolean => undoKeyOf(each.idempotencyKey) !== event.idempotencyKey;
    return { ...state, failedEffects: state.failedEffects.filter(stands) };
  },
  [TRIED]: (state, { input, idempotencyKey }) => {
    const tried = effectTried(input);
    if (!tried || idempotencyKey === null) return state;
    const { tool: name, argumentsHash: inputHash } = tried;
    return { ...state, failedEffects: [...state.failedEffects, { name, inputHash, idempotencyKey }] };
  },
  [ENDING]: (state, event) => ({ ...state, ending: endingOf(event) ?? state.ending }),
  [APPROVAL_ASKED]: (state, event) => {
    const asked = approvalRequestOf(event);
    if (state.phase.kind !== 'tools' || !asked) return state;
    const { argumentsHash, deadlineAt: until } = asked;
    return {
      ...begin(state, event.step, state.phase),
      phase: {
        kind: 'awaiting-approval',
        step: event.step,
        calls: state.phase.calls,
        argumentsHash,
        since: event.at,
        until,
      },
    };
  },
  plan: (state, event) => {
    const planned = parseJson(event.output) as { readonly toolCalls?: unknown } | null;
    const { phase } = state;
    if ((phase.kind !== 'ready' && phase.kind !== 'answered') || !Array.isArray(planned?.toolCalls))
      return state;
    const calls = planned.toolCalls as readonly ToolCall[];
    if (calls.length === 0) return state;
    return begin(state, event.step, withCalls(calls));
  },
  'approval-given': (state, event) => {
    const { phase } = state;
    if (phase.kind !== 'awaiting-approval') return state;
    return {
      ...heldUntil(state, phase, event),
      phase: { kind: 'tools', calls: phase.calls, approved: true },
    };
  },
};

const endingOf = ({ output: text, error }: AgentEvent): Ending | null => {
  const terminal = parseTerminalOutput(text);
  if (!terminal || text === null) return null;
  const { outcome, output, bounds = null } = terminal;
  return {
    outcome,
    output: output as JsonValue,
    error: error && { code: error.code as EndCode, message: error.message },
    bounds: bounds as TokenBounds | null,
    text,
  };
};

/** A person has spoken, or the time for it is over: the wait is not the execution's own. */
const heldUntil = (
  state: ExecutionState,
  { since }: Extract<Phase, { readonly kind: 'awaiting-approval' }>,
  { at }: AgentEvent,
): ExecutionState => ({ ...state, heldMicros: state.heldMicros + Math.max(0, at - since) });

/** The task's id is the idempotency key: sent twice, it is the same task. */
const delegated = (state: ExecutionState, calls: readonly ToolCall[], event: AgentEvent): ExecutionState => {
  const [call, ...rest] = calls;
  if (!call || event.idempotencyKey === null) return state;
  const subtask = { taskId: event.idempotencyKey, step: event.step, call };
  return { ...begin(state, event.step, withCalls(rest)), subtasks: [...state.subtasks, subtask] };
};

const subtaskEnded = (state: ExecutionState, event: AgentEvent): ExecutionState => {
  const subtask = state.subtasks.find(({ taskId }) => taskId === event.idempotencyKey);
  if (!subtask) return state;
  const subtasks = state.subtasks.filter((each) => each !== subtask);
  return { ...callEnded(state, subtask.call, event), subtasks };
};

/** The model is told what is wrong with its answer, and asked again. */
const outputRefused = (state: ExecutionState, event: AgentEvent): ExecutionState => ({
  ...state,
  step: event.step,
  invalidOutputs: state.invalidOutputs + 1,
  messages: [...state.messages, { role: 'user', content: event.error?.message ?? '' }],
  phase: { kind: 'ready' },
});

const begin = (state: ExecutionState, step: number, phase: Phase): ExecutionState => ({
  ...state,
  step,
  countedSteps: state.countedSteps + 1,
  phase,
});

/** Its outcome is still to come from whoever holds the execution. */
const isUnderWay = (phase: Phase): boolean =>
  phase.kind === 'calling-model' || (phase.kind === 'calling-tool' && !phase.orphaned);

const afterClaim = (phase: Phase): Phase => {
  switch (phase.kind) {
    case 'unclaimed':
    case 'calling-model':
      return { kind: 'ready' };
    case 'calling-tool':
      return { ...phase, orphaned: true };
    case 'ready':
    case 'tools':
    case 'awaiting-approval':
    case 'answered':
    case 'ended':
      return phase;
    default:
      return phase satisfies never;
  }
};

const retrieved = (state: ExecutionState, event: AgentEvent): ExecutionState => {
  const response = parseJson(event.output);
  if (!isSearchResponse(response)) return state;
  const { all, found } = numberPassages(state.passages, response);
  return {
    ...state,
    step: event.step,
    failures: [],
    passages: all,
    retrieved: found,
    receipts: [...state.receipts, response.receipt],
  };
};

const toolEnded = (state: ExecutionState, calls: readonly ToolCall[], event: AgentEvent): ExecutionState => {
  const [call, ...rest] = calls;
  if (!call) return state;
  return { ...callEnded(state, call, event), lostCalls: 0, phase: withCalls(rest) };
};

/** What is next where these calls are left of a reply. */
const withCalls = (calls: readonly ToolCall[]): Phase =>
  calls.length > 0 ? { kind: 'tools', calls, approved: false } : { kind: 'ready' };

/** What came of one call, as the model is told it. */
const callEnded = (state: ExecutionState, call: ToolCall, event: AgentEvent): ExecutionState => {
  const output = event.error ? null : parseJson(event.output);
  const search = searchOf(state, event, output);
  const { all, found } = search ? numberPassages(state.passages, search) : { all: state.passages, found: [] };
  const most = goesBy(state.terms, 1) ? TOLD_CHARACTERS : Number.POSITIVE_INFINITY;
  const content = toldResult(call.name, event, output, search && { passages: found, most });
  return {
    ...state,
    passages: all,
    receipts: search ? [...state.receipts, search.receipt] : state.receipts,
    results: [...state.results, resultOf(call, event, output)],
    messages: [...state.messages, { role: 'tool', toolCallId: call.id, toolName: call.name, content }],
    loop: afterStep(state.loop, stepSeen(call, event)),
    failedEffects: failedAfter(state, call, event),
  };
};

const searchOf = (
  { terms }: ExecutionState,
  { output: text }: AgentEvent,
  output: unknown,
): SearchResponse | null => {
  if (!isSearchResponse(output)) return null;
  return !goesBy(terms, 1) || isOfSearchSize(output, text ?? '') ? output : null;
};

const failedAfter = (
  { failedEffects: before, terms }: ExecutionState,
  { name, arguments: input }: ToolCall,
  { idempotencyKey, executionId, error, priceTable }: AgentEvent,
): readonly FailedEffect[] => {
  if (idempotencyKey === null || priceTable === DELEGATED) return before;
  // What a fork took over has its origin's keys.
  if (!goesBy(terms, 3) && !idempotencyKey.startsWith(`${executionId}:`)) return before;
  const others = before.filter((each) => each.idempotencyKey !== idempotencyKey);
  return error ? [...others, { name, inputHash: hashOnce(input), idempotencyKey }] : others;
};

const failed = (state: ExecutionState, event: AgentEvent): ExecutionState => {
  const detail = parseJson(event.output) as { readonly retryAfterMs?: unknown } | null;
  const retryAfterMs = typeof detail?.retryAfterMs === 'number' ? detail.retryAfterMs : null;
  const { code, message, retryable } = event.error ?? { code: 'internal', message: '', retryable: false };
  const failure = { name: event.name ?? '', code, message, retryable, at: event.at, retryAfterMs };
  // Through an outage of days one word of a breaker follows another: the last that names a time says it all.
  const before =
    isHeldBack(failure) && retryAfterMs !== null
      ? state.failures.filter((each) => each.name !== failure.name || !isHeldBack(each))
      : state.failures;
  return { ...state, failures: [...before, failure] };
};

const resultOf = (call: ToolCall, { error }: AgentEvent, output: unknown): ToolResult => ({
  name: call.name,
  arguments: call.arguments,
  output: output as JsonValue,
  error: error && { code: error.code, message: error.message },
});

/** What the safety controller sees of a call that has ended; a call that failed taught what its error says. */
const stepSeen = (
  call: ToolCall,
  { type, output, error, idempotencyKey, standIns }: AgentEvent,
): StepSeen => ({
  kind: type === 'error' && idempotencyKey === null ? 'refuse-tool' : 'tool',
  name: call.name,
  inputHash: hashOnce(call.arguments),
  outcomeHash: error ? '' : hashOf(output),
  effect: idempotencyKey === null ? 'read' : 'write',
  failed: error !== null,
  ...(standIns ? { standIns } : {}),
});

const parsePlain = (text: string | null): JsonValue => parseJson(text) as JsonValue;

const parseJson = (text: string | null): unknown => {
  if (text === null) return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
};

interface ReplyParts {
  readonly text: string;
  readonly toolCalls: readonly ToolCall[];
  readonly finishReason: string;
  readonly thinking?: Thinking;
}

const parseReply = (text: string | null): ReplyParts => {
  const value = parseJson(text) as Partial<ReplyParts> | null;
  return {
    text: typeof value?.text === 'string' ? value.text : '',
    toolCalls: Array.isArray(value?.toolCalls) ? (value.toolCalls as readonly ToolCall[]) : [],
    finishReason: typeof value?.finishReason === 'string' ? value.finishReason : 'other',
    ...(Array.isArray(value?.thinking?.blocks) ? { thinking: value.thinking } : {}),
  };
};
