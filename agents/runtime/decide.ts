/**
 * The agent loop, as a decision: state → next step. Pure and total: the same state, definition, models and time give
 * the same decision, so a replay can hold it against what was journaled (I10).
 *
 * A run ends in one of these ways, all of them a `respond`:
 * - completed: a model replied without asking for tools
 * - halted: `step-cap`, `money-cap`, `token-cap`, `wall-time` or `deadline` would be passed by the next step; the safety
 *   controller saw a `loop`, `thrashing`, `no-progress` or too many calls of a tool (`tool-cap`); or it was stopped from
 *   outside: `cancelled`, `killed`, `agent-budget`, `tenant-budget`
 * - failed: `poison` (two workers in a row died of it), `unknown-agent`, `task-invalid`, `too-large` (never begun), `payload-lost` (it cannot be taken over), `retrieve-failed`, `stale` (the index was not as
 *   fresh as the task asks), `model-failed` (every model
 *   refused, failed too often, or is held back by its breaker until past the end of its time), `empty-answer`, `output-invalid`, `plan-failed`, `effect-unknown` (a write tool's outcome was lost and it does not
 *   take the key: parked for a person), `call-lost` (its worker died during three model calls in a row), `internal`
 * It always ends: every other decision raises the step, retries and lost calls are counted, and waits, those for a breaker too, end
 * with its time.
 */

import type { ModelPrompt } from '../../connectors/models/language/language-model.ts';
import type { AgentDefinition } from '../../schemas/agent-definition.ts';
import { RETRIEVE } from '../../schemas/execution-payloads.ts';
import { RECALL } from '../../schemas/recollection.ts';
import { freshnessOf } from '../../schemas/search.ts';
import { wellFormed } from '../../schemas/well-formed.ts';
import { DEADLY, poisonVerdict } from '../safety/poison-state.ts';
import { answerOf, plannedAnswerOf } from './answer.ts';
import { readOutput, wrongOf } from './checked-value.ts';
import { modelDecision } from './decide-model.ts';
import { overCapOf, refused, toolDecision } from './decide-tool.ts';
import type { Decision } from './decision.ts';
import {
  bound,
  complete,
  type DecisionFacts,
  deadlineOf,
  end,
  MAX_ATTEMPTS,
  MICROS,
  retryAt,
} from './decision-facts.ts';
import type { ExecutionState, Phase } from './execution-state.ts';
import { planSeenOf } from './plan-seen.ts';
import { promptOf } from './prompt.ts';
import { goesBy, type RunTerms } from './run-terms.ts';

export type { DecisionFacts } from './decision-facts.ts';

export const MAX_LOST_CALLS = 3;
/** A question is found by how it begins; the rest is for the model. */
const MAX_QUERY_CHARACTERS = 2_000;

export const decide = (state: ExecutionState, facts: DecisionFacts, now: number): Decision => {
  const { phase, terms } = state;
  if (phase.kind === 'ended' || phase.kind === 'unclaimed' || phase.kind === 'calling-model')
    return { kind: 'nothing' };
  if (phase.kind === 'calling-tool' && !phase.orphaned) return { kind: 'nothing' };
  // Whoever waits for it may have been told so: nothing that came since changes it.
  if (state.ending) return bound(state, state.ending);
  const { agent } = facts;
  // An effect that may have happened is told before anything else, and the reason to end with it.
  const lost = goesBy(terms, 1) ? lostEffectOf(state, agent) : null;
  // A refusal counts for it once it stands in the journal, as a stop. A replay hears it from there, as it will be read.
  if (facts.refusal && !(lost && state.stop))
    return end(state, 'failed', facts.refusal.code, wellFormed(facts.refusal.message));
  const poison = poisonVerdict(state.claims);
  if (poison.kind === 'poison')
    return lost ? effectUnknown(state, lost, poison.reason) : end(state, 'failed', 'poison', poison.reason);
  if (state.stop && phase.kind !== 'calling-tool')
    return end(state, 'halted', state.stop.code, state.stop.message);
  if (!agent || !terms) {
    const why = 'no such agent is configured';
    return lost ? effectUnknown(state, lost, why) : end(state, 'failed', 'unknown-agent', why);
  }
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
    case 'calling-tool':
      return lostToolDecision(state, agent, terms, phase);
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

interface LostEffect {
  readonly name: string;
  readonly step: number;
}

/** The call of which nobody knows whether it took effect; null where there is none, or it is known to be a read. */
export const lostEffectOf = (
  { phase }: Pick<ExecutionState, 'phase'>,
  agent: AgentDefinition | null,
): LostEffect | null => {
  if (phase.kind !== 'calling-tool' || !phase.orphaned) return null;
  const name = phase.calls[0]?.name ?? 'a tool';
  return effectOf(agent, name) === 'read' ? null : { name, step: phase.step };
};

const effectOf = (agent: AgentDefinition | null, name: string | undefined): 'read' | 'write' =>
  agent?.tools?.find((tool) => tool.name === name)?.effect ?? 'write';

const effectUnknown = (state: ExecutionState, { name, step }: LostEffect, why: string): Decision =>
  end(
    state,
    'failed',
    'effect-unknown',
    `${why}, while ${name} ran in step ${step}: look whether it took effect; it is not run again`,
  );

/** A call whose outcome is not known: made again where that is safe, for an execution that may still act. */
const lostToolDecision = (
  state: ExecutionState,
  agent: AgentDefinition,
  terms: RunTerms,
  { step, calls: [call] }: Extract<Phase, { readonly kind: 'calling-tool' }>,
): Decision => {
  const { stop, lostCalls } = state;
  const tool = agent.tools?.find(({ name }) => name === call?.name);
  const effect = effectOf(agent, call?.name);
  if (stop && effect === 'read') return end(state, 'halted', stop.code, stop.message);
  const safe = effect === 'read' || tool?.takesIdempotencyKey === true;
  const ran = `${call?.name ?? 'a tool'} ran in step ${step}`;
  const look = effect === 'read' ? '' : ': look whether it took effect';
  if (call && safe && lostCalls >= DEADLY)
    return end(state, 'failed', 'poison', `${lostCalls} workers in a row died while ${ran}${look}`);
  // What the lost call may have cost counts as spent.
  const over = safe && tool && goesBy(terms, 1) ? overCapOf(state, agent, terms, tool) : null;
  if (over !== null && effect === 'read') return end(state, 'halted', 'money-cap', over);
  if (call && safe && !stop && over === null)
    return { kind: 'tool', step, name: call.name, input: call.arguments, effect, callId: call.id };
  const why = stop?.message ?? over ?? 'the worker died, or time was over';
  return effectUnknown(state, { name: call?.name ?? 'a tool', step }, why);
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
    return modelDecision(state, terms, () => ({ prompt, latestShown: true }), facts, now);
  }
  const toolCalls = planned.tools.map((call, index) => ({ id: `${step}-${index}`, ...call }));
  return { kind: 'plan', step, name: 'plan', input: { toolCalls } };
};

const readyDecision = (
  state: ExecutionState,
  agent: AgentDefinition,
  terms: RunTerms,
  facts: DecisionFacts,
  now: number,
): Decision => {
  const deadline = deadlineOf(state, terms);
  if (state.subtasks.length > 0) return { kind: 'wait', until: deadline + 1 };
  if (remembers(agent, facts.sessionId) && state.recollection === null) {
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
    const freshness = freshnessOf(state.input?.freshness);
    const input = { query: queryOf(state), ...agent.retrieve, ...(freshness ? { freshness } : {}) };
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

/** Whether memory could hold anything for it. */
const remembers = ({ memory }: AgentDefinition, sessionId: string | null): boolean =>
  memory?.longTerm !== undefined || (memory?.session !== undefined && sessionId !== null);

const queryOf = (state: ExecutionState): string => (state.input?.text ?? '').slice(0, MAX_QUERY_CHARACTERS);
