/**
 * The agent loop, as a decision: state → next step. Pure and total: the same state, definition, models and time give
 * the same decision, so a replay can hold it against what was journaled (I10).
 *
 * A run ends in one of these ways, all of them a `respond`:
 * - completed: a model replied without asking for tools
 * - halted: `step-cap`, `money-cap` or `wall-time` would be passed by the next step
 * - failed: `unknown-agent`, `task-invalid`, `too-large` (never begun), `retrieve-failed`, `stale` (the index was not as
 *   fresh as the task asks), `model-failed` (every model
 *   refused or failed too often), `empty-answer`, `effect-unknown` (a write tool's outcome was lost and it does not
 *   take the key: parked for a person), `call-lost` (its worker died during three model calls in a row), `internal`
 * It always ends: every other decision raises the step, retries are counted, and time only goes on.
 */
import type { ModelPrompt, TokenBounds } from '../../connectors/models/language/language-model.ts';
import type { AgentDefinition } from '../../schemas/agent-definition.ts';
import { toError } from '../../schemas/errors.ts';
import { totalUsd } from '../../schemas/execution-costs.ts';
import type { EndCode } from '../../schemas/execution-payloads.ts';
import { formatUsd, parseUsd, priceOf, priceTableOf } from '../../schemas/money.ts';
import { freshnessOf } from '../../schemas/search.ts';
import { answerOf, partialOf } from './answer.ts';
import type { Decision } from './decision.ts';
import { type ExecutionState, RETRIEVE, type StepFailure } from './execution-state.ts';
import { promptOf } from './prompt.ts';
import type { ModelTerms, RunTerms } from './run-terms.ts';

export interface DecisionFacts {
  /** Null where no such agent is configured. */
  readonly agent: AgentDefinition | null;
  /** Why this task is not to be begun at all. */
  readonly refusal: { readonly code: EndCode; readonly message: string } | null;
  /** The most a call can use. Undefined where this worker has no such model. */
  readonly estimate: (modelId: string, prompt: ModelPrompt) => TokenBounds | undefined;
}

export const MAX_ATTEMPTS = 3;
export const MAX_LOST_CALLS = 3;
const FIRST_BACKOFF_MS = 250;
const MAX_BACKOFF_MS = 30_000;
/** A question is found by how it begins; the rest is for the model. */
const MAX_QUERY_CHARACTERS = 2_000;
const MICROS = 1_000;

export const decide = (state: ExecutionState, facts: DecisionFacts, now: number): Decision => {
  const { phase, terms } = state;
  if (phase.kind === 'ended' || phase.kind === 'unclaimed' || phase.kind === 'calling-model')
    return { kind: 'nothing' };
  if (phase.kind === 'calling-tool' && !phase.orphaned) return { kind: 'nothing' };
  if (facts.refusal) return end(state, 'failed', facts.refusal.code, facts.refusal.message);
  const { agent } = facts;
  if (!agent || !terms) return end(state, 'failed', 'unknown-agent', 'no such agent is configured');
  switch (phase.kind) {
    case 'answered':
      if (phase.text.trim() === '')
        return end(
          state,
          'failed',
          'empty-answer',
          `${phase.model} replied without a text (${phase.finishReason})`,
        );
      return {
        kind: 'respond',
        step: state.step + 1,
        name: 'completed',
        input: { output: answerOf(state, phase), error: null, partial: null },
        bounds: null,
      };
    case 'calling-tool': {
      const tool = agent.tools?.find((each) => each.name === phase.calls[0]?.name);
      const call = phase.calls[0];
      if (call && tool?.takesIdempotencyKey)
        return { kind: 'tool', step: phase.step, name: call.name, input: call.arguments, effect: 'write' };
      return end(
        state,
        'failed',
        'effect-unknown',
        `the worker died while ${call?.name ?? 'a tool'} ran in step ${phase.step}: look whether it took effect; it is not run again`,
      );
    }
    case 'tools':
      return capOf(state, terms, now) ?? toolDecision(state, agent);
    case 'ready':
      return capOf(state, terms, now) ?? readyDecision(state, agent, terms, facts, now);
    default:
      return phase satisfies never;
  }
};

const capOf = (state: ExecutionState, { limits }: RunTerms, now: number): Decision | null => {
  if (now - state.startedAt > limits.maxMs * MICROS)
    return end(state, 'halted', 'wall-time', `not done within ${limits.maxMs} ms`);
  if (state.countedSteps >= limits.maxSteps)
    return end(state, 'halted', 'step-cap', `not done within ${limits.maxSteps} steps`);
  return null;
};

const toolDecision = (state: ExecutionState, agent: AgentDefinition): Decision => {
  const call = state.phase.kind === 'tools' ? state.phase.calls[0] : undefined;
  if (!call) return end(state, 'failed', 'internal', 'the model asked for no tool');
  const step = state.step + 1;
  const { name, arguments: input } = call;
  const tool = agent.tools?.find((each) => each.name === name);
  if (!tool) {
    const known = (agent.tools ?? []).map((each) => each.name).join(', ') || 'none';
    const message = `there is no tool of that name; there are: ${known}`;
    return { kind: 'refuse-tool', step, name, input, error: { code: 'unknown-tool', message } };
  }
  const wrong = wrongArguments(tool, input);
  if (wrong !== null)
    return { kind: 'refuse-tool', step, name, input, error: { code: 'arguments-invalid', message: wrong } };
  return { kind: 'tool', step, name, input, effect: tool.effect };
};

const wrongArguments = (
  tool: NonNullable<AgentDefinition['tools']>[number],
  input: unknown,
): string | null => {
  try {
    const parsed = tool.arguments.safeParse(input);
    if (parsed.success) return null;
    return parsed.error.issues
      .slice(0, 5)
      .map((issue) => `${issue.path.join('.') || 'arguments'}: ${issue.message}`)
      .join('; ');
  } catch (error) {
    return `the schema could not check them: ${toError(error).message}`;
  }
};

const readyDecision = (
  state: ExecutionState,
  agent: AgentDefinition,
  terms: RunTerms,
  facts: DecisionFacts,
  now: number,
): Decision => {
  const deadline = state.startedAt + terms.limits.maxMs * MICROS;
  if (agent.retrieve && state.retrieved === null) {
    const failures = state.failures.filter((each) => each.name === RETRIEVE);
    const last = failures.at(-1);
    const until = last ? retryAt(failures) : 0;
    if (last?.code === 'stale') return end(state, 'failed', 'stale', last.message);
    if (last && (!last.retryable || failures.length >= MAX_ATTEMPTS || until > deadline))
      return end(state, 'failed', 'retrieve-failed', last.message);
    if (until > now) return { kind: 'wait', until };
    const { topK, filter } = agent.retrieve;
    const query = (state.input?.text ?? '').slice(0, MAX_QUERY_CHARACTERS);
    const freshness = freshnessOf(state.input?.freshness);
    const input = { query, topK, ...(filter ? { filter } : {}), ...(freshness ? { freshness } : {}) };
    return { kind: 'retrieve', step: state.step + 1, name: RETRIEVE, input };
  }
  if (state.lostCalls >= MAX_LOST_CALLS)
    return end(
      state,
      'failed',
      'call-lost',
      `its worker died during ${state.lostCalls} model calls in a row`,
    );
  return modelDecision(state, agent, terms, facts, now, deadline);
};

const modelDecision = (
  state: ExecutionState,
  agent: AgentDefinition,
  terms: RunTerms,
  facts: DecisionFacts,
  now: number,
  deadline: number,
): Decision => {
  const prompt = promptOf(state, agent, terms.limits.maxOutputTokens);
  for (const model of terms.models) {
    const failures = state.failures.filter((each) => each.name === model.id);
    const last = failures.at(-1);
    const until = last ? retryAt(failures) : 0;
    if (last && (!last.retryable || failures.length >= MAX_ATTEMPTS || until > deadline)) continue;
    const bounds = facts.estimate(model.id, prompt);
    if (!bounds) continue;
    if (until > now) return { kind: 'wait', until };
    return callOrHalt(state, terms, model, prompt, bounds);
  }
  const last = state.failures.at(-1);
  return end(state, 'failed', 'model-failed', last?.message ?? 'no language model is configured');
};

const callOrHalt = (
  state: ExecutionState,
  { limits }: RunTerms,
  model: ModelTerms,
  input: ModelPrompt,
  { inputTokens, outputTokens }: TokenBounds,
): Decision => {
  const reserved = priceOf({ inputTokens, outputTokens }, model.price);
  const spent = totalUsd(state.costs);
  if (spent + reserved > parseUsd(limits.maxUsd)) {
    const message = `${formatUsd(spent)} USD spent, and the next call may cost ${formatUsd(reserved)}: over ${limits.maxUsd}`;
    return { ...end(state, 'halted', 'money-cap', message), bounds: { inputTokens, outputTokens } };
  }
  return {
    kind: 'model',
    step: state.step + 1,
    name: model.id,
    input,
    reservedUsd: formatUsd(reserved),
    priceTable: priceTableOf(model.price),
    bounds: { inputTokens, outputTokens },
  };
};

/** When a call may be made again: what the provider asked for, at least a backoff that doubles. */
const retryAt = (failures: readonly StepFailure[]): number => {
  const last = failures.at(-1);
  if (!last) return 0;
  const backoff = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (failures.length - 1));
  return last.at + Math.max(backoff, last.retryAfterMs ?? 0) * MICROS;
};

const end = (
  state: ExecutionState,
  outcome: 'failed' | 'halted',
  code: EndCode,
  message: string,
): Extract<Decision, { readonly kind: 'respond' }> => ({
  kind: 'respond',
  step: state.step + 1,
  name: outcome,
  input: { output: null, error: { code, message }, partial: partialOf(state) },
  bounds: null,
});
