/**
 * Uses a tool: a read is written behind; a write, and whatever costs money, has its intent in the journal before it. Each goes through the tool's own
 * policy (agents/tools/call-chain.ts): breaker, timeout, retries, cache, what stands in for it. Where the day's money does not allow it,
 * nothing is called and the execution is told to stop, as at a model.
 */

import { guardedToolOf } from '../../connectors/guarded-calls/breaker-state.ts';
import type { JsonValue } from '../../connectors/models/language/language-model.ts';
import type { ToolDefinition } from '../../schemas/agent-definition.ts';
import { hashOnce } from '../../schemas/canonical-json.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { TOOL_PRICE } from '../../schemas/execution-costs.ts';
import { NOT_MADE } from '../../schemas/execution-payloads.ts';
import { DEFAULT_SAFETY } from '../../schemas/safety-policy.ts';
import { freshnessOf } from '../../schemas/search.ts';
import { callsLeft } from '../safety/loop-state.ts';
import { type ChainResult, callWithPolicy, mayPass, noteOf, standInsOf } from '../tools/call-chain.ts';
import { mostUsdOf, usdOfCalls } from '../tools/tool-policy.ts';
import type { Denial } from './call-guards.ts';
import { wrongOf } from './checked-value.ts';
import { type Decided, inputHashOf } from './decision.ts';
import type { EventDraft } from './execution-journal.ts';
import { BREAKER_OPEN, effectKeyOf } from './execution-state.ts';
import { type CallFailure, type CallOutcome, callTool } from './step-calls.ts';
import {
  callLimitMs,
  errorOf,
  moneyOf,
  NOTHING_SPENT,
  type StepResult,
  type StepScope,
  stopDraft,
  tenantOf,
  throwIfStopped,
} from './step-scope.ts';
import { toolContextOf } from './tool-context.ts';

type ToolDecision = Decided<'tool'>;

/** `denied`: why the day's money did not allow it. `settle`: to be called once the journal knows what it came to. */
type ToolUse = ChainResult & { readonly denied?: Denial; readonly settle?: () => void };

export const readWithTool = async (decision: ToolDecision, scope: StepScope): Promise<StepResult> => {
  const reservedUsd = mostUsd(decision, scope);
  if (reservedUsd === null) beginReadsBeside(decision, scope);
  else await writeIntent(decision, scope, { reservedUsd, priceTable: TOOL_PRICE });
  const used: ToolUse = await (scope.begun.get(decision.callId) ?? useTool(decision, scope));
  scope.begun.delete(decision.callId);
  if (reservedUsd !== null) leaveUnbegun(decision, scope, used);
  throwIfStopped(scope);
  const draft = outcomeDraft(decision, scope, used);
  if (used.denied) await scope.journal.write(draft, stopDraft(decision.step, used.denied));
  else if (used.settle) scope.journal.writeAtOnce(draft, used.settle);
  else scope.journal.writeBehind(draft);
  return resultOf(decision, scope, used);
};

export const writeWithTool = async (decision: ToolDecision, scope: StepScope): Promise<StepResult> => {
  const { journal } = scope;
  const idempotencyKey = keyOf(decision, scope);
  const reservedUsd = mostUsd(decision, scope);
  // Of one whose outcome was lost, nothing is known before it was made again.
  const again = journal.state().phase.kind === 'calling-tool';
  await writeIntent(decision, scope, {
    idempotencyKey,
    ...(reservedUsd === null ? {} : { reservedUsd, priceTable: TOOL_PRICE }),
  });
  const used = await useTool(decision, scope);
  const { failure } = used.outcome;
  if (failure) {
    leaveUnbegun(decision, scope, used, idempotencyKey);
    throwIfStopped(scope);
  }
  const uncertain = failure !== null && (failure.uncertain || (again && mayPass(failure)));
  // What is stopped makes no call again, under the key or not: a person has to look.
  const stopped = scope.calling.aborted || used.denied !== undefined;
  const parked = uncertain && (stopped || toolOf(decision, scope).takesIdempotencyKey !== true);
  const draft: EventDraft = {
    ...outcomeDraft(decision, scope, used),
    idempotencyKey,
    ...(parked ? { type: 'error', error: { ...errorOf(failure), code: 'effect-unknown' } } : {}),
  };
  const stop = used.denied ? [stopDraft(decision.step, used.denied)] : [];
  await journal.writeTaken(used.settle ?? nothing, draft, ...stop);
  return resultOf(decision, scope, used);
};

/** The barrier before an effect, and before money is spent (rules J and B). */
const writeIntent = async (
  decision: ToolDecision,
  scope: StepScope,
  more: Partial<Pick<EventDraft, 'idempotencyKey' | 'reservedUsd' | 'priceTable'>>,
): Promise<void> => {
  const { step, name } = decision;
  const place = { type: 'intent', step, at: scope.at, name } as const;
  const input = JSON.stringify(decision.input);
  await scope.journal.write({ ...place, input, inputHash: inputHashOf(decision), ...more });
};

const nothing = (): void => undefined;

/**
 * Its worker was told to let go after the intent and before any call: it is as if it had not been begun. It goes with the worker's last
 * words, which may come when the partition is another's already.
 */
const leaveUnbegun = (
  decision: ToolDecision,
  scope: StepScope,
  used: ToolUse,
  idempotencyKey: string | null = null,
): void => {
  if (!scope.run.signal.aborted || used.attempts > 0) return;
  const { step, name } = decision;
  const { failure } = used.outcome;
  scope.journal.writeAtOnce(
    {
      ...{ type: 'checkpoint', name: NOT_MADE, step, idempotencyKey, attempts: 0 },
      input: JSON.stringify({ tool: name }),
      error: failure && errorOf(failure),
      ...(mostUsd(decision, scope) === null ? {} : { costUsd: '0', priceTable: TOOL_PRICE }),
    },
    used.settle ?? nothing,
  );
};

/** The reads that follow in the same reply are begun with the first: each stands or fails alone, and they are journaled in order. */
const beginReadsBeside = (first: ToolDecision, scope: StepScope): void => {
  const { begun, journal, run } = scope;
  const { phase, countedSteps, terms } = journal.state();
  if (begun.size > 0 || phase.kind !== 'tools' || phase.calls.length === 1) return;
  // Told apart by their ids, which are the provider's.
  if (new Set(phase.calls.map(({ id }) => id)).size < phase.calls.length) return;
  const places = Math.max(1, (terms?.limits.maxSteps ?? 0) - countedSteps);
  for (const [index, { id, name, arguments: input }] of phase.calls.slice(0, places).entries()) {
    const tool = run.agent?.tools?.find((each) => each.name === name);
    if (tool?.effect !== 'read' || tool.approval || tool.capability !== undefined) return;
    if (mostUsdOf(tool, run.agent?.tools ?? []) !== null) return;
    if (wrongOf(tool.arguments, input) !== null) return;
    // One after the other where all at once could pass the cap of one of them, or of what stands in.
    if ([tool, ...standInsFor(tool, scope)].some((each) => leftOf(each, scope) < phase.calls.length)) return;
    const beside = useTool({ ...first, name, input, callId: id, step: first.step + index }, scope);
    // It fails where it is waited for, which may be later, or never.
    beside.catch(() => undefined);
    begun.set(id, beside);
  }
};

/** A tool that costs is paid from the day's money as a model is: reserved for all its tries, settled at the calls that were made. */
const useTool = async (decision: ToolDecision, scope: StepScope): Promise<ToolUse> => {
  const { services, calling } = scope;
  const tool = toolOf(decision, scope);
  const most = mostUsd(decision, scope);
  if (most === null) return useFreely(decision, scope, tool);
  const money = moneyOf(scope, decision.step, most);
  const denied = await services.guards.reserve(money, calling);
  if (denied) return deniedUse(denied);
  const used = await useFreely(decision, scope, tool);
  const settle = (): void => services.guards.settle(money.costId, costOf(decision, scope, used) ?? '0');
  return { ...used, settle };
};

const deniedUse = (denied: Denial): ToolUse => ({
  denied,
  outcome: {
    output: null,
    failure: { ...denied, retryable: false, retryAfterMs: null, uncertain: false },
    durationMicros: 0,
  },
  ...{ via: 'tool', attempts: 0, called: [], ageMs: null, failures: [] },
});

const useFreely = (decision: ToolDecision, scope: StepScope, tool: ToolDefinition): Promise<ChainResult> => {
  const { run, services, calling } = scope;
  const tenant = tenantOf(scope);
  const chain = {
    tool,
    tools: run.agent?.tools ?? [],
    input: decision.input,
    tenant,
    agent: run.identity.agent,
    limitMs: callLimitMs(scope),
    signal: calling,
  };
  // Whoever says how fresh the context must be is given no answer of before.
  const cache = freshnessOf(run.input.freshness) ? null : services.results;
  return callWithPolicy(chain, {
    call: (called, input, limitMs) => callGuarded(called, input, limitMs, decision, scope),
    cache,
    chance: Math.random,
  });
};

const callGuarded = async (
  tool: ToolDefinition,
  input: JsonValue,
  limitMs: number,
  decision: ToolDecision,
  scope: StepScope,
): Promise<CallOutcome<JsonValue>> => {
  const { calling } = scope;
  const { guards } = scope.services;
  if (tool.name !== decision.name && leftOf(tool, scope) <= 0) return notCalled(overCap(tool));
  const name = guardedToolOf(scope.run.identity.agent, tool.name);
  const held = await guards.mayCall(name);
  if (held !== null) return notCalled({ code: BREAKER_OPEN, message: held.message });
  const allowed = performance.now();
  const context = toolContextOf(scope, decision.step, keyOf(decision, scope));
  const outcome = await callTool(tool, input, { limitMs, context });
  // A tool that says no has answered; one that does not answer, or breaks, is what a breaker is for.
  const sinceMs = performance.now() - allowed;
  if (!calling.aborted) guards.called(name, outcome.failure === null || !mayPass(outcome.failure), sinceMs);
  else if (outcome.failure && !outcome.failure.uncertain) guards.notMade(name, sinceMs);
  return outcome;
};

/** It was held back before anything was sent. */
const notCalled = (why: Pick<CallFailure, 'code' | 'message'>): CallOutcome<JsonValue> => ({
  output: null,
  failure: { ...why, retryable: false, retryAfterMs: null, uncertain: false, made: false },
  durationMicros: 0,
});

const overCap = ({ name }: ToolDefinition): Pick<CallFailure, 'code' | 'message'> => ({
  code: 'tool-cap',
  message: `${name} was called as often as it may be`,
});

const leftOf = (tool: ToolDefinition, { journal }: StepScope): number => {
  const { loop, terms } = journal.state();
  return callsLeft(loop, tool, terms?.safety ?? DEFAULT_SAFETY);
};

const standInsFor = ({ fallback }: ToolDefinition, { run }: StepScope): readonly ToolDefinition[] =>
  (run.agent?.tools ?? []).filter(({ name }) => fallback?.tools?.includes(name));

const toolOf = (decision: ToolDecision, { run }: StepScope): ToolDefinition => {
  const tool = run.agent?.tools?.find((each) => each.name === decision.name);
  if (!tool) throw new FreshetError('internal', `there is no tool ${decision.name}`);
  return tool;
};

const keyOf = ({ step, name, input }: ToolDecision, { run, journal }: StepScope): string =>
  effectKeyOf(journal.state(), {
    ...{ executionId: run.identity.executionId, step, name },
    inputHash: hashOnce(input),
  });

/** The most that the step can cost; null where nothing of it has a price. */
const mostUsd = (decision: ToolDecision, scope: StepScope): string | null =>
  mostUsdOf(toolOf(decision, scope), scope.run.agent?.tools ?? []);

/** What the calls that were made cost, each at the price of its own tool; null where the step cannot cost anything. */
const costOf = (decision: ToolDecision, scope: StepScope, { called }: ChainResult): string | null =>
  mostUsd(decision, scope) === null ? null : (usdOfCalls(called, scope.run.agent?.tools ?? []) ?? '0');

const resultOf = (decision: ToolDecision, scope: StepScope, used: ChainResult): StepResult => ({
  ...NOTHING_SPENT,
  succeeded: used.outcome.failure === null,
  ...(used.outcome.failure ? { failure: used.outcome.failure.code } : {}),
  seen: { of: 'tool', callId: decision.callId, via: used.via, attempts: used.attempts },
  outsideMicros: used.outcome.durationMicros,
  costUsd: costOf(decision, scope, used) ?? '0',
});

const outcomeDraft = (decision: ToolDecision, scope: StepScope, used: ChainResult): EventDraft => {
  const { output, failure, durationMicros } = used.outcome;
  const costUsd = costOf(decision, scope, used);
  return {
    type: 'tool-call',
    step: decision.step,
    at: scope.at,
    name: decision.name,
    input: JSON.stringify(decision.input),
    inputHash: inputHashOf(decision),
    output: failure ? null : JSON.stringify(output),
    error: failure && errorOf(failure),
    durationMicros,
    via: used.via === 'tool' ? null : used.via,
    attempts: used.attempts,
    note: failure ? null : noteOf(used),
    standIns: standInsOf(used, decision.name),
    ...(costUsd === null ? {} : { costUsd, priceTable: TOOL_PRICE }),
  };
};
