/**
 * Runs a recorded execution again: outcomes are the journal's, decisions are computed anew by the same `decide`, and
 * each is held against what was journaled (I10). Pure: it is given no model, no tool function is called, and no
 * retriever exists here, so nothing outside can be reached.
 */

import type { AgentDefinition } from '../../schemas/agent-definition.ts';
import { APPROVAL_ASKED, approvalRequestOf } from '../../schemas/approval-request.ts';
import { canonicalJson } from '../../schemas/canonical-json.ts';
import { toError } from '../../schemas/errors.ts';
import { DELEGATED } from '../../schemas/execution-costs.ts';
import {
  ENDING,
  type EndCode,
  isEnding,
  parseTerminalOutput,
  RETRIEVE,
} from '../../schemas/execution-payloads.ts';
import { RECALL } from '../../schemas/recollection.ts';
import type { AgentEvent } from '../../schemas/records.ts';
import { decide } from '../runtime/decide.ts';
import { inputHashOf, type StepDecision } from '../runtime/decision.ts';
import { type ExecutionState, INITIAL_STATE, type Phase, stateHashOf } from '../runtime/execution-state.ts';
import { applyEvent } from '../runtime/fold-events.ts';
import { requestHashOf } from '../runtime/run-execution.ts';
import { limitsOf, safetyOf } from '../runtime/run-terms.ts';
import type { FindBehaviour } from './find-behaviour.ts';

export interface DecisionDigest {
  readonly kind: string;
  readonly name: string | null;
  readonly inputHash: string | null;
  /** Canonical JSON of the input where it is known and the two differ. */
  readonly input: string | null;
  readonly stateHashBefore: string | null;
  readonly stateHashAfter: string | null;
}

export interface ReplayedDecision {
  readonly step: number;
  readonly kind: string;
  readonly name: string | null;
  readonly recorded: DecisionDigest;
  readonly replayed: DecisionDigest;
  readonly same: boolean;
}

export interface ReplayedEvent {
  readonly state: ExecutionState;
  /** Null for what no decision led to: outcomes, claims, events of stale claims. */
  readonly decision: ReplayedDecision | null;
}

/** One event further: a range follows thousands of executions at once, and keeps nothing of each but its state. */
export const replayEvent = (
  state: ExecutionState,
  event: AgentEvent,
  findBehaviour: FindBehaviour,
): ReplayedEvent => {
  const next = applyEvent(state, event);
  if (next.order === state.order) return { state: next, decision: null };
  const replayed = decisionBehind(state, event, findBehaviour(event.agent, event.behaviour));
  const decision = replayed && compare(event, replayed, stateHashOf(state), stateHashOf(next));
  return { state: next, decision };
};

/** Every decision of an execution's events that counted. */
export const replayEvents = (
  events: readonly AgentEvent[],
  findBehaviour: FindBehaviour,
): readonly ReplayedDecision[] => {
  const decisions: ReplayedDecision[] = [];
  let state: ExecutionState = INITIAL_STATE;
  for (const event of events) {
    const replayed = replayEvent(state, event, findBehaviour);
    if (replayed.decision) decisions.push(replayed.decision);
    state = replayed.state;
  }
  return decisions;
};

interface Replayed {
  readonly kind: string;
  readonly recordedKind: string;
  readonly name: string | null;
  readonly inputHash: string | null;
  readonly input: unknown;
}

/** What is decided before an event, where the event is what a decision led to; null for outcomes and claims. */
const decisionBehind = (
  state: ExecutionState,
  event: AgentEvent,
  agent: AgentDefinition | null,
): Replayed | null => {
  if (event.type === 'request') return requestBehind(state, event, agent);
  const recordedKind = recordedKindOf(state, event);
  if (recordedKind === null) return null;
  try {
    const decision = decide(
      state,
      {
        agent,
        refusal: refusalOf(event),
        sessionId: event.sessionId,
        // What a call can use at most was the model's word, and it is in the journal.
        estimate: () => boundsOf(event),
      },
      event.at,
    );
    if (decision.kind === 'nothing' || decision.kind === 'wait')
      return { kind: decision.kind, recordedKind, name: null, inputHash: null, input: null };
    const { kind, name, input } = decision satisfies StepDecision;
    return { kind, recordedKind, name, inputHash: inputHashOf(decision), input };
  } catch (error) {
    return { kind: 'error', recordedKind, name: null, inputHash: null, input: toError(error).message };
  }
};

const requestBehind = (state: ExecutionState, event: AgentEvent, agent: AgentDefinition | null): Replayed => {
  const models = state.terms?.models ?? [];
  const terms = agent && {
    limits: limitsOf(agent, state.input?.budget ?? null),
    safety: safetyOf(agent),
    capabilities: state.terms?.capabilities ?? [],
    models,
  };
  // Of the agent's definition only: which models there are is the worker's.
  const inputHash = requestHashOf(event.agent, agent?.version ?? '', terms);
  return {
    kind: 'request',
    recordedKind: 'request',
    name: event.name,
    inputHash,
    input: {
      behaviour: agent?.version ?? null,
      limits: terms?.limits ?? null,
      safety: terms?.safety ?? null,
    },
  };
};

/** What a decision that led to an event is called; null for an event that none led to. */
export const recordedKindOf = (state: ExecutionState, event: AgentEvent): string | null => {
  const { phase } = state;
  switch (event.type) {
    case 'response':
      return 'respond';
    case 'intent':
      if (event.priceTable === DELEGATED) return 'delegate';
      return phase.kind === 'ready' || phase.kind === 'answered' ? 'model' : 'tool';
    case 'tool-call':
      // What came of a sub-task is no decision.
      if (event.priceTable === DELEGATED) return null;
      return phase.kind === 'ready' ? 'retrieve' : phase.kind === 'tools' ? 'tool' : null;
    case 'error':
      return failedKindOf(phase, event);
    case 'memory-update':
      return event.name === RECALL ? 'recall' : null;
    case 'checkpoint':
      return CHECKPOINT_DECISIONS[event.name ?? ''] ?? null;
    case 'user-input':
    case 'request':
    case 'claim':
    case 'llm-response':
      return null;
    default:
      return event.type satisfies never;
  }
};

/** What a person or a switch said is no decision of the execution's. */
const CHECKPOINT_DECISIONS: Readonly<Record<string, string>> = {
  plan: 'plan',
  [ENDING]: 'respond',
  [APPROVAL_ASKED]: 'ask-approval',
};

const failedKindOf = (phase: Phase, { name, error }: AgentEvent): string | null => {
  switch (phase.kind) {
    case 'ready':
      // A model whose breaker was open was decided for and not called.
      return name === RETRIEVE ? 'retrieve' : 'model';
    case 'tools':
      return 'refuse-tool';
    case 'awaiting-approval':
      return error?.code === 'approval-expired' ? 'refuse-tool' : null;
    case 'answered':
      return error?.code === 'output-invalid' ? 'refuse-output' : 'model';
    case 'unclaimed':
    case 'calling-model':
    case 'calling-tool':
    case 'ended':
      return null;
    default:
      return phase satisfies never;
  }
};

/** The name of what was decided: of a checkpoint, the tool or the end that it is about. */
export const recordedNameOf = (event: AgentEvent): string | null =>
  isEnding(event)
    ? (parseTerminalOutput(event.output)?.outcome ?? null)
    : (approvalRequestOf(event)?.tool ?? event.name);

const tellsEnd = (event: Pick<AgentEvent, 'type' | 'name'>): boolean =>
  event.type === 'response' || isEnding(event);

/** Why a task was refused is found outside of the fold (its size, its budget, a fault): it is the journal's word too. */
const REFUSALS: readonly string[] = [
  'too-large',
  'task-invalid',
  'payload-lost',
  'internal',
] satisfies readonly EndCode[];

/** The refusal that an event tells of; null where it tells of none. */
export const refusalOf = (event: AgentEvent) =>
  tellsEnd(event) && event.error && REFUSALS.includes(event.error.code)
    ? { code: event.error.code as EndCode, message: event.error.message }
    : null;

const boundsOf = (event: AgentEvent) => {
  const source = tellsEnd(event) ? event.output : event.input;
  const { bounds } = JSON.parse(source ?? '{}') as {
    readonly bounds?: { readonly inputTokens: number; readonly outputTokens: number };
  };
  return bounds;
};

const compare = (
  event: AgentEvent,
  replayed: Replayed,
  stateHashBefore: string,
  stateHashAfter: string,
): ReplayedDecision => {
  const recorded = { kind: replayed.recordedKind, name: recordedNameOf(event), inputHash: event.inputHash };
  const { kind, name, inputHash } = replayed;
  // Hashes of the state around a claim may be of a moment that others still wrote in; those of decisions are exact.
  const sameState =
    event.type === 'request' ||
    (event.stateHashBefore === stateHashBefore && event.stateHashAfter === stateHashAfter);
  const sameDecision = recorded.kind === kind && recorded.name === name && recorded.inputHash === inputHash;
  return {
    step: event.step,
    kind: recorded.kind,
    name: event.name,
    recorded: {
      ...recorded,
      input: sameDecision ? null : tellsEnd(event) ? event.output : event.input,
      stateHashBefore: event.stateHashBefore,
      stateHashAfter: event.stateHashAfter,
    },
    replayed: {
      kind,
      name,
      inputHash,
      input: sameDecision ? null : canonicalJson(replayed.input),
      stateHashBefore,
      stateHashAfter,
    },
    same: sameDecision && sameState,
  };
};
