/** How each event of the journal changes the state of its execution: complete in events and phases, pure. */
import type { ModelMessage, ToolCall } from '../../connectors/models/language/language-model.ts';
import { renderPassages } from '../../connectors/models/language/passages.ts';
import { advanceCosts } from '../../schemas/execution-costs.ts';
import { advanceOrder } from '../../schemas/execution-order.ts';
import { parseUserInput } from '../../schemas/execution-payloads.ts';
import type { AgentEvent } from '../../schemas/records.ts';
import { type ExecutionState, INITIAL_STATE, type Phase, RETRIEVE } from './execution-state.ts';
import { isSearchResponse, numberPassages } from './retrieved-passages.ts';
import { parseRunTerms } from './run-terms.ts';

/** The state after an event. One that does not count changes nothing but the costs. */
export const applyEvent = (state: ExecutionState, event: AgentEvent): ExecutionState => {
  const order = advanceOrder(state.order, event);
  const costs = advanceCosts(state.costs, event, order !== null);
  if (order === null) return costs === state.costs ? state : { ...state, costs };
  return TRANSITIONS[event.type]({ ...state, order, costs }, event);
};

export const foldEvents = (events: Iterable<AgentEvent>): ExecutionState => {
  let state = INITIAL_STATE;
  for (const event of events) state = applyEvent(state, event);
  return state;
};

const EFFECT_UNKNOWN = 'effect-unknown';

type Transition = (state: ExecutionState, event: AgentEvent) => ExecutionState;

const keep: Transition = (state) => state;

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
    lostCalls: state.lostCalls + (state.phase.kind === 'calling-model' ? 1 : 0),
  }),
  intent: (state, event) => {
    const { phase } = state;
    const name = event.name ?? '';
    switch (phase.kind) {
      case 'ready':
        return begin(state, event.step, { kind: 'calling-model', step: event.step, model: name });
      case 'tools':
        return begin(state, event.step, {
          kind: 'calling-tool',
          step: event.step,
          calls: phase.calls,
          orphaned: false,
        });
      case 'calling-tool':
        // Made again under the same key: the same step, and no further one.
        return { ...state, phase: { ...phase, orphaned: false } };
      case 'unclaimed':
      case 'calling-model':
      case 'answered':
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
    };
    return {
      ...state,
      failures: [],
      lostCalls: 0,
      messages: [...state.messages, message],
      phase:
        reply.toolCalls.length > 0
          ? { kind: 'tools', calls: reply.toolCalls }
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
      case 'calling-tool':
        // It ran out of time: nobody knows whether it happened, as after a crash.
        if (event.error?.code === EFFECT_UNKNOWN) return { ...state, phase: { ...phase, orphaned: true } };
        return toolEnded(state, phase.calls, event);
      case 'unclaimed':
      case 'answered':
      case 'ended':
        return state;
      default:
        return phase satisfies never;
    }
  },
  response: (state, event) => ({ ...state, step: event.step, phase: { kind: 'ended' } }),
  'memory-update': keep,
  checkpoint: keep,
};

const begin = (state: ExecutionState, step: number, phase: Phase): ExecutionState => ({
  ...state,
  step,
  countedSteps: state.countedSteps + 1,
  phase,
});

const afterClaim = (phase: Phase): Phase => {
  switch (phase.kind) {
    case 'unclaimed':
    case 'calling-model':
      return { kind: 'ready' };
    case 'calling-tool':
      return { ...phase, orphaned: true };
    case 'ready':
    case 'tools':
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
  const output = event.error ? null : parseJson(event.output);
  const search = isSearchResponse(output) ? output : null;
  const { all, found } = search ? numberPassages(state.passages, search) : { all: state.passages, found: [] };
  const content = event.error
    ? `Error ${event.error.code}: ${event.error.message.replaceAll('\n', ' ')}`
    : search
      ? renderPassages(found) || 'Nothing was found.'
      : JSON.stringify(output);
  return {
    ...state,
    passages: all,
    receipts: search ? [...state.receipts, search.receipt] : state.receipts,
    messages: [...state.messages, { role: 'tool', toolCallId: call.id, toolName: call.name, content }],
    phase: rest.length > 0 ? { kind: 'tools', calls: rest } : { kind: 'ready' },
  };
};

const failed = (state: ExecutionState, event: AgentEvent): ExecutionState => {
  const detail = parseJson(event.output) as { readonly retryAfterMs?: unknown } | null;
  const retryAfterMs = typeof detail?.retryAfterMs === 'number' ? detail.retryAfterMs : null;
  const { code, message, retryable } = event.error ?? { code: 'internal', message: '', retryable: false };
  const failure = { name: event.name ?? '', code, message, retryable, at: event.at, retryAfterMs };
  return { ...state, failures: [...state.failures, failure] };
};

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
}

const parseReply = (text: string | null): ReplyParts => {
  const value = parseJson(text) as Partial<ReplyParts> | null;
  return {
    text: typeof value?.text === 'string' ? value.text : '',
    toolCalls: Array.isArray(value?.toolCalls) ? (value.toolCalls as readonly ToolCall[]) : [],
    finishReason: typeof value?.finishReason === 'string' ? value.finishReason : 'other',
  };
};
