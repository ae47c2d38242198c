/**
 * The agent loop, as a decision: state → next step. Pure and total: the same state, definition, models and time give
 * the same decision, so a replay can hold it against what was journaled (I10).
 *
 * A run ends in one of these ways, all of them a `respond`:
 * - completed: a model replied without asking for tools
 * - halted: `step-cap`, `money-cap`, `token-cap`, `wall-time` or `deadline` would be passed by the next step; the safety
 *   controller saw a `loop`, `thrashing`, `no-progress` or too many calls of a tool (`tool-cap`); or it was stopped from
 *   outside: `cancelled`, `killed`, `agent-budget`, `tenant-budget`
 * - failed: `unknown-agent`, `task-invalid`, `too-large` (never begun), `retrieve-failed`, `stale` (the index was not as
 *   fresh as the task asks), `model-failed` (every model
 *   refused or failed too often), `empty-answer`, `output-invalid`, `plan-failed`, `effect-unknown` (a write tool's outcome was lost and it does not
 *   take the key: parked for a person), `call-lost` (its worker died during three model calls in a row), `internal`
 * It always ends: every other decision raises the step, retries are counted, and time only goes on.
 */
import type {
  JsonValue,
  ModelPrompt,
  TokenBounds,
  ToolCall,
} from '../../connectors/models/language/language-model.ts';
import type { AgentDefinition, ToolDefinition } from '../../schemas/agent-definition.ts';
import { hashOf } from '../../schemas/canonical-json.ts';
import { totalUsd } from '../../schemas/execution-costs.ts';
import type { EndCode } from '../../schemas/execution-payloads.ts';
import { formatUsd, parseUsd, priceOf, priceTableOf } from '../../schemas/money.ts';
import { freshnessOf } from '../../schemas/search.ts';
import { loopVerdict } from '../safety/loop-state.ts';
import { poisonVerdict } from '../safety/poison-state.ts';
import { answerOf, partialOf, plannedAnswerOf } from './answer.ts';
import { readOutput, wrongOf } from './checked-value.ts';
import type { Decision, ToolRefusal } from './decision.ts';
import { type ExecutionState, type Phase, RECALL, RETRIEVE, type StepFailure } from './execution-state.ts';
import { planSeenOf } from './plan-seen.ts';
import { promptOf } from './prompt.ts';
import type { ModelTerms, RunTerms } from './run-terms.ts';

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
  const poison = poisonVerdict(state.claims);
  if (poison.kind === 'poison') return end(state, 'failed', 'poison', poison.reason);
  // An effect that may have happened is told before anything else.
  if (state.stop && phase.kind !== 'calling-tool')
    return end(state, 'halted', state.stop.code, state.stop.message);
  const { agent } = facts;
  if (!agent || !terms) return end(state, 'failed', 'unknown-agent', 'no such agent is configured');
  switch (phase.kind) {
    case 'answered':
      return agent.plan
        ? (capOf(state, terms, now) ?? planDecision(state, agent, terms, facts, now))
        : answerDecision(state, agent, phase);
    case 'awaiting-approval': {
      const call = phase.calls[0];
      if (call && now >= phase.until)
        return refused(state, call, 'approval-expired', 'nobody approved it in time');
      return { kind: 'wait', until: phase.until };
    }
    case 'calling-tool': {
      const tool = agent.tools?.find((each) => each.name === phase.calls[0]?.name);
      const call = phase.calls[0];
      if (call && tool?.takesIdempotencyKey)
        return {
          kind: 'tool',
          step: phase.step,
          name: call.name,
          input: call.arguments,
          effect: 'write',
          callId: call.id,
        };
      return end(
        state,
        'failed',
        'effect-unknown',
        `the worker died while ${call?.name ?? 'a tool'} ran in step ${phase.step}: look whether it took effect; it is not run again`,
      );
    }
    case 'tools':
      return capOf(state, terms, now) ?? toolDecision(state, agent, terms, now);
    case 'ready':
      return capOf(state, terms, now) ?? readyDecision(state, agent, terms, facts, now);
    default:
      return phase satisfies never;
  }
};

const capOf = (state: ExecutionState, { limits }: RunTerms, now: number): Decision | null => {
  if (now - state.startedAt - state.heldMicros > limits.maxMs * MICROS)
    return end(state, 'halted', 'wall-time', `not done within ${limits.maxMs} ms`);
  if (state.countedSteps >= limits.maxSteps)
    return end(state, 'halted', 'step-cap', `not done within ${limits.maxSteps} steps`);
  const deadline = state.input?.deadlineAt ?? null;
  if (deadline !== null && now > deadline)
    return end(state, 'halted', 'deadline', "past the task's deadline");
  return null;
};

/** How often a model is told that its answer is not of the agent's shape. */
const MAX_INVALID_OUTPUTS = 2;

const answerDecision = (
  state: ExecutionState,
  agent: AgentDefinition,
  answered: Extract<Phase, { readonly kind: 'answered' }>,
): Decision => {
  const { text, model, finishReason } = answered;
  if (text.trim() === '')
    return end(state, 'failed', 'empty-answer', `${model} replied without a text (${finishReason})`);
  const read = readOutput(agent, text);
  if (read.wrong !== null) {
    if (state.invalidOutputs >= MAX_INVALID_OUTPUTS)
      return end(state, 'failed', 'output-invalid', read.wrong);
    const message = `That answer is not of the shape that is asked for: ${read.wrong}. Answer again, with JSON of that shape only.`;
    return {
      kind: 'refuse-output',
      step: state.step + 1,
      name: model,
      input: text,
      error: { code: 'output-invalid', message },
    };
  }
  return complete(state, answerOf(state, answered, read.value));
};

const complete = (state: ExecutionState, output: JsonValue): Decision => ({
  kind: 'respond',
  step: state.step + 1,
  name: 'completed',
  input: { output, error: null, partial: null },
  bounds: null,
});

/** A planned agent: its plan is a function of what has come of the steps before, so a replay comes to the same. */
const planDecision = (
  state: ExecutionState,
  agent: AgentDefinition,
  terms: RunTerms,
  facts: DecisionFacts,
  now: number,
): Decision => {
  const planned = agent.plan?.(planSeenOf(state, agent));
  const step = state.step + 1;
  if (!planned) return end(state, 'failed', 'internal', 'the plan says nothing');
  if ('fail' in planned) return end(state, 'failed', 'plan-failed', planned.fail);
  if ('answer' in planned) {
    const wrong = agent.output ? wrongOf(agent.output, planned.answer) : null;
    if (wrong !== null) return end(state, 'failed', 'output-invalid', wrong);
    return complete(state, plannedAnswerOf(state, planned.answer));
  }
  if ('ask' in planned) {
    const { instructions, content, maxOutputTokens } = planned.ask;
    const prompt: ModelPrompt = {
      system: instructions ?? agent.instructions,
      messages: [{ role: 'user', content }],
      maxOutputTokens: Math.min(
        maxOutputTokens ?? terms.limits.maxOutputTokens,
        terms.limits.maxOutputTokens,
      ),
    };
    return modelDecision(state, terms, () => prompt, facts, now);
  }
  const toolCalls = planned.tools.map((call, index) => ({ id: `${step}-${index}`, ...call }));
  return { kind: 'plan', step, name: 'plan', input: { toolCalls } };
};

const toolDecision = (
  state: ExecutionState,
  agent: AgentDefinition,
  terms: RunTerms,
  now: number,
): Decision => {
  const { phase } = state;
  const call = phase.kind === 'tools' ? phase.calls[0] : undefined;
  if (phase.kind !== 'tools' || !call) return end(state, 'failed', 'internal', 'the model asked for no tool');
  const { name, arguments: input } = call;
  const tool = agent.tools?.find((each) => each.name === name);
  const proposed = {
    kind: 'tool',
    name,
    inputHash: hashOf(input),
    effect: tool?.effect ?? 'read',
    maxCalls: tool?.maxCalls,
  };
  const verdict = loopVerdict(state.loop, proposed, terms.safety);
  if (!verdict.allowed) return end(state, 'halted', verdict.code, verdict.reason);
  if (!tool) {
    const known = (agent.tools ?? []).map((each) => each.name).join(', ') || 'none';
    return refused(state, call, 'unknown-tool', `there is no tool of that name; there are: ${known}`);
  }
  const wrong = wrongOf(tool.arguments, input);
  if (wrong !== null) return refused(state, call, 'arguments-invalid', wrong);
  if (tool.capability !== undefined && !terms.capabilities.includes(tool.capability))
    return refused(state, call, 'not-allowed', `whoever sent the task may not ${tool.capability}`);
  if (
    tool.costUsd !== undefined &&
    totalUsd(state.costs) + parseUsd(tool.costUsd) > parseUsd(terms.limits.maxUsd)
  )
    return end(
      state,
      'halted',
      'money-cap',
      `a call of ${name} costs ${tool.costUsd} USD: over ${terms.limits.maxUsd}`,
    );
  const step = state.step + 1;
  if (tool.subtask) return delegateDecision(state, terms, call, tool.subtask);
  if (tool.approval && !phase.approved)
    return { kind: 'ask-approval', step, name, input, until: now + terms.limits.maxApprovalMs * MICROS };
  return { kind: 'tool', step, name, input, effect: tool.effect, callId: call.id };
};

/** Sub-tasks of sub-tasks: deeper ones are refused, whatever money there is. */
export const MAX_DEPTH = 4;

const delegateDecision = (
  state: ExecutionState,
  { limits }: RunTerms,
  call: ToolCall,
  { agent, maxUsd }: NonNullable<ToolDefinition['subtask']>,
): Decision => {
  if ((state.input?.parent?.depth ?? 0) >= MAX_DEPTH)
    return refused(state, call, 'too-deep', `sub-tasks go ${MAX_DEPTH} deep, and no deeper`);
  const left = parseUsd(limits.maxUsd) - totalUsd(state.costs);
  const calls = state.phase.kind === 'tools' ? state.phase.calls.length : 1;
  // What is left is shared out evenly among the calls to come, so that the first takes no money from the last.
  const share = maxUsd === undefined ? left / BigInt(calls) : parseUsd(maxUsd);
  if (share > left || left < 0n)
    return end(
      state,
      'halted',
      'money-cap',
      `${formatUsd(left)} USD are left, and ${agent} may cost ${formatUsd(share)}`,
    );
  return {
    kind: 'delegate',
    step: state.step + 1,
    name: call.name,
    input: call.arguments,
    agent,
    callId: call.id,
    reservedUsd: formatUsd(share),
  };
};

const refused = (
  state: ExecutionState,
  { name, arguments: input }: ToolCall,
  code: ToolRefusal,
  message: string,
): Decision => ({ kind: 'refuse-tool', step: state.step + 1, name, input, error: { code, message } });

const readyDecision = (
  state: ExecutionState,
  agent: AgentDefinition,
  terms: RunTerms,
  facts: DecisionFacts,
  now: number,
): Decision => {
  const deadline = deadlineOf(state, terms);
  if (state.subtasks.length > 0) return { kind: 'wait', until: deadline + 1 };
  if (agent.memory && state.recollection === null) {
    const input = { text: queryOf(state), sessionId: facts.sessionId };
    return { kind: 'recall', step: state.step + 1, name: RECALL, input };
  }
  if (agent.retrieve && state.retrieved === null) {
    const failures = state.failures.filter((each) => each.name === RETRIEVE);
    const last = failures.at(-1);
    const until = last ? retryAt(failures) : 0;
    if (last?.code === 'stale') return end(state, 'failed', 'stale', last.message);
    if (last && (!last.retryable || failures.length >= MAX_ATTEMPTS || until > deadline))
      return end(state, 'failed', 'retrieve-failed', last.message);
    if (until > now) return { kind: 'wait', until };
    const { topK, filter } = agent.retrieve;
    const query = queryOf(state);
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
  if (agent.plan) return planDecision(state, agent, terms, facts, now);
  return modelDecision(state, terms, (window) => promptOf(state, agent, terms, window), facts, now);
};

const queryOf = (state: ExecutionState): string => (state.input?.text ?? '').slice(0, MAX_QUERY_CHARACTERS);

const deadlineOf = (state: ExecutionState, { limits }: RunTerms): number =>
  Math.min(
    state.startedAt + state.heldMicros + limits.maxMs * MICROS,
    state.input?.deadlineAt ?? Number.POSITIVE_INFINITY,
  );

const modelDecision = (
  state: ExecutionState,
  terms: RunTerms,
  promptFor: (contextTokens: number) => ModelPrompt,
  facts: DecisionFacts,
  now: number,
): Decision => {
  const deadline = deadlineOf(state, terms);
  for (const model of terms.models) {
    const failures = state.failures.filter((each) => each.name === model.id);
    const last = failures.at(-1);
    const until = last ? retryAt(failures) : 0;
    if (last && (!last.retryable || failures.length >= MAX_ATTEMPTS || until > deadline)) continue;
    const prompt = promptFor(model.contextTokens);
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
  { limits, safety }: RunTerms,
  model: ModelTerms,
  input: ModelPrompt,
  { inputTokens, outputTokens }: TokenBounds,
): Decision => {
  if (state.tokens + inputTokens + outputTokens > safety.maxTokens) {
    const message = `${state.tokens} tokens used, and the next call may take ${inputTokens + outputTokens}: over ${safety.maxTokens}`;
    return { ...end(state, 'halted', 'token-cap', message), bounds: { inputTokens, outputTokens } };
  }
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
