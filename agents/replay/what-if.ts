/**
 * What another behaviour would have done: a candidate definition decides over the recorded outcomes for as long as they
 * answer what it decides, and no further. Pure: no model, tool or retriever is in reach.
 *
 * A recorded outcome answers a decision of the same kind and name: a retrieval and a tool call with the same input, a
 * model call with any prompt, as what another prompt would have brought is what nobody knows. So the tokens of a changed
 * prompt are an estimate: what was used, times the model's own bound of the candidate's prompt over that of the recorded
 * one. Where the candidate decides something else, it leaves the record: both decisions are told, and nothing after.
 */
import type { ModelPrompt, TokenBounds } from '../../connectors/models/language/language-model.ts';
import type { AgentDefinition } from '../../schemas/agent-definition.ts';
import { canonicalJson } from '../../schemas/canonical-json.ts';
import { toError } from '../../schemas/errors.ts';
import { formatUsd, parseUsd, priceOf } from '../../schemas/money.ts';
import type { AgentEvent } from '../../schemas/records.ts';
import { decide } from '../runtime/decide.ts';
import { type Decision, inputHashOf } from '../runtime/decision.ts';
import { type ExecutionState, INITIAL_STATE } from '../runtime/execution-state.ts';
import { applyEvent } from '../runtime/fold-events.ts';
import { limitsOf, parseRunTerms, safetyOf } from '../runtime/run-terms.ts';
import { recordedKindOf, recordedNameOf, refusalOf } from './replay-events.ts';

export type EstimateTokens = (modelId: string, prompt: ModelPrompt) => TokenBounds | undefined;

export interface DecisionTold {
  readonly kind: string;
  readonly name: string | null;
  /** JSON; of a recorded model call what the journal keeps of it, which is not the prompt. */
  readonly input: string | null;
}

export interface ChangedCall {
  readonly step: number;
  readonly model: string;
  readonly recordedInputTokens: number;
  /** An estimate. */
  readonly candidateInputTokens: number;
  /** The prompt differs from the recorded one. */
  readonly changed: boolean;
}

export interface WhatIf {
  readonly executionId: string;
  readonly agent: string;
  readonly recorded: string;
  readonly candidate: string;
  /** Decisions that the recorded outcomes answered. */
  readonly followed: number;
  /** Where the candidate leaves the record; null where it goes along to the end of what is recorded. */
  readonly leaves: {
    readonly step: number;
    readonly recorded: DecisionTold;
    readonly candidate: DecisionTold;
  } | null;
  readonly calls: readonly ChangedCall[];
  /** Of the calls above, exact decimals; the candidate's is an estimate. */
  readonly recordedUsd: string;
  readonly candidateUsd: string;
  readonly ended: boolean;
}

interface OpenCall {
  readonly step: number;
  readonly model: string;
  readonly changed: boolean;
  readonly recordedBound: number;
  readonly candidateBound: number;
}

/** Over all events of one execution, in log order from its first. */
export const whatIf = (
  events: readonly AgentEvent[],
  candidate: AgentDefinition,
  estimate: EstimateTokens,
): WhatIf => {
  let state: ExecutionState = INITIAL_STATE;
  let followed = 0;
  let leaves: WhatIf['leaves'] = null;
  let open: OpenCall | null = null;
  const calls: ChangedCall[] = [];
  let recordedUsd = 0n;
  let candidateUsd = 0n;
  for (const recorded of events) {
    const event = recorded.type === 'request' ? underTermsOf(candidate, state, recorded) : recorded;
    const next = applyEvent(state, event);
    const counts = next.order !== state.order;
    if (counts && event.type !== 'request') {
      const step = decisionAt(state, event, candidate, estimate);
      if (step?.fits === false) {
        leaves = { step: event.step, recorded: step.recorded, candidate: step.candidate };
        break;
      }
      if (step) followed += 1;
      if (step?.call) open = step.call;
    }
    if (counts && event.type === 'llm-response' && open && open.step === event.step) {
      const used = event.usage?.inputTokens ?? 0;
      const output = event.usage?.outputTokens ?? 0;
      const tokens = open.changed ? scaled(used, open.candidateBound, open.recordedBound) : used;
      const price = state.terms?.models.find(({ id }) => id === open?.model)?.price;
      const { step, model, changed } = open;
      calls.push({ step, model, recordedInputTokens: used, candidateInputTokens: tokens, changed });
      const paid = event.costUsd === null ? 0n : parseUsd(event.costUsd);
      recordedUsd += paid;
      candidateUsd += changed && price ? priceOf({ inputTokens: tokens, outputTokens: output }, price) : paid;
      open = null;
    }
    state = next;
  }
  const [first] = events;
  return {
    executionId: first?.executionId ?? '',
    agent: first?.agent ?? '',
    recorded: events.findLast((event) => event.type === 'claim')?.behaviour ?? '',
    candidate: candidate.version,
    followed,
    leaves,
    calls,
    recordedUsd: formatUsd(recordedUsd),
    candidateUsd: formatUsd(candidateUsd),
    ended: state.order.ended,
  };
};

const scaled = (used: number, candidateBound: number, recordedBound: number): number =>
  recordedBound > 0 ? Math.round((used * candidateBound) / recordedBound) : used;

/** The recorded terms with the candidate's limits and safety: its caps decide, over the models that there were. */
const underTermsOf = (candidate: AgentDefinition, state: ExecutionState, event: AgentEvent): AgentEvent => {
  const terms = parseRunTerms(event.input);
  if (!terms) return event;
  const models = candidate.models
    ? terms.models.filter(({ id }) => candidate.models?.includes(id) !== false)
    : terms.models;
  const limits = limitsOf(candidate, state.input?.budget ?? null);
  const own = { ...terms, limits, models, safety: safetyOf(candidate) };
  return { ...event, behaviour: candidate.version, input: JSON.stringify(own) };
};

interface DecisionAt {
  readonly fits: boolean;
  readonly recorded: DecisionTold;
  readonly candidate: DecisionTold;
  readonly call: OpenCall | null;
}

const decisionAt = (
  state: ExecutionState,
  event: AgentEvent,
  candidate: AgentDefinition,
  estimate: EstimateTokens,
): DecisionAt | null => {
  const kind = recordedKindOf(state, event);
  if (kind === null) return null;
  const name = recordedNameOf(event);
  const recorded = { kind, name, input: kind === 'respond' ? event.output : event.input };
  const decision = decided(state, event, candidate, estimate);
  const told = toldOf(decision);
  const same = told.kind === kind && told.name === name;
  if (decision.kind !== 'model') {
    // How an execution ends is told by kind, name and cause: the answer itself is the recorded model's word.
    const fits = same && (kind === 'respond' || hashOfDecision(decision) === event.inputHash);
    return { fits, recorded, candidate: told, call: null };
  }
  const { bounds } = JSON.parse(event.input ?? '{}') as { readonly bounds?: TokenBounds };
  const call: OpenCall = {
    step: event.step,
    model: decision.name,
    changed: hashOfDecision(decision) !== event.inputHash,
    recordedBound: bounds?.inputTokens ?? 0,
    candidateBound: decision.bounds.inputTokens,
  };
  return { fits: same, recorded, candidate: told, call: same ? call : null };
};

const hashOfDecision = (decision: Decision | { readonly kind: 'error' }): string | null =>
  decision.kind === 'wait' || decision.kind === 'nothing' || decision.kind === 'error'
    ? null
    : inputHashOf(decision);

const decided = (
  state: ExecutionState,
  event: AgentEvent,
  candidate: AgentDefinition,
  estimate: EstimateTokens,
): Decision | { readonly kind: 'error'; readonly message: string } => {
  try {
    return decide(
      state,
      { agent: candidate, refusal: refusalOf(event), sessionId: event.sessionId, estimate },
      event.at,
    );
  } catch (error) {
    return { kind: 'error', message: toError(error).message };
  }
};

const toldOf = (decision: Decision | { readonly kind: 'error'; readonly message: string }): DecisionTold => {
  if (decision.kind === 'error') return { kind: 'error', name: null, input: decision.message };
  if (decision.kind === 'wait' || decision.kind === 'nothing')
    return { kind: decision.kind, name: null, input: null };
  return { kind: decision.kind, name: decision.name, input: canonicalJson(decision.input) };
};
