/**
 * Uses a tool: a read is written behind, a write has its intent in the journal before it. Each goes through the tool's own
 * policy (agents/tools/call-chain.ts): breaker, timeout, retries, cache, what stands in for it.
 */

import type { JsonValue } from '../../connectors/models/language/language-model.ts';
import type { ToolDefinition } from '../../schemas/agent-definition.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { formatUsd, parseUsd } from '../../schemas/money.ts';
import { freshnessOf } from '../../schemas/search.ts';
import { scratchOf } from '../memory/ephemeral-memory.ts';
import { type ChainResult, callWithPolicy, mayPass, noteOf } from '../tools/call-chain.ts';
import { wrongOf } from './checked-value.ts';
import { type Decided, inputHashOf } from './decision.ts';
import type { EventDraft } from './execution-journal.ts';
import { type CallOutcome, callTool } from './step-calls.ts';
import {
  errorOf,
  moneyOf,
  NOTHING_SPENT,
  type StepResult,
  type StepScope,
  tenantOf,
  throwIfStopped,
  timeLeft,
} from './step-scope.ts';

type ToolDecision = Decided<'tool'>;

export const readWithTool = async (decision: ToolDecision, scope: StepScope): Promise<StepResult> => {
  beginReadsBeside(decision, scope);
  const used = await (scope.begun.get(decision.callId) ?? useTool(decision, scope));
  scope.begun.delete(decision.callId);
  throwIfStopped(scope);
  scope.journal.writeBehind(outcomeDraft(decision, scope, used));
  return resultOf(decision, scope, used);
};

export const writeWithTool = async (decision: ToolDecision, scope: StepScope): Promise<StepResult> => {
  const { journal, at } = scope;
  const idempotencyKey = keyOf(decision, scope);
  const { step, name } = decision;
  const input = JSON.stringify(decision.input);
  const inputHash = inputHashOf(decision);
  // Of one whose outcome was lost, nothing is known before it was made again.
  const again = journal.state().phase.kind === 'calling-tool';
  await journal.write({ type: 'intent', step, at, name, input, inputHash, idempotencyKey });
  throwIfStopped(scope);
  const used = await useTool(decision, scope);
  const { failure } = used.outcome;
  if (failure) throwIfStopped(scope);
  const uncertain = failure !== null && (failure.uncertain || (again && mayPass(failure)));
  // What is stopped makes no call again, under the key or not: a person has to look.
  const parked = uncertain && (scope.calling.aborted || toolOf(decision, scope).takesIdempotencyKey !== true);
  await journal.write({
    ...outcomeDraft(decision, scope, used),
    idempotencyKey,
    ...(parked ? { type: 'error', error: { ...errorOf(failure), code: 'effect-unknown' } } : {}),
  });
  return resultOf(decision, scope, used);
};

/** The reads that follow in the same reply are begun with the first: each stands or fails alone, and they are journaled in order. */
const beginReadsBeside = (first: ToolDecision, scope: StepScope): void => {
  const { begun, journal, run } = scope;
  const { phase, countedSteps, terms } = journal.state();
  if (begun.size > 0 || phase.kind !== 'tools' || phase.calls.length === 1) return;
  const places = Math.max(1, (terms?.limits.maxSteps ?? 0) - countedSteps);
  for (const [index, { id, name, arguments: input }] of phase.calls.slice(0, places).entries()) {
    const tool = run.agent?.tools?.find((each) => each.name === name);
    if (tool?.effect !== 'read' || tool.approval || tool.capability !== undefined) return;
    if (tool.costUsd !== undefined || wrongOf(tool.arguments, input) !== null) return;
    begun.set(id, useTool({ ...first, name, input, callId: id, step: first.step + index }, scope));
  }
};

/** A tool that costs is paid from the day's money as a model is: reserved for all its tries, settled at those it took. */
const useTool = async (decision: ToolDecision, scope: StepScope): Promise<ChainResult> => {
  const { services, calling } = scope;
  const tool = toolOf(decision, scope);
  const { costUsd, retries = 0 } = tool;
  if (costUsd === undefined) return useFreely(decision, scope, tool);
  const money = moneyOf(scope, decision.step, formatUsd(parseUsd(costUsd) * BigInt(1 + retries)));
  const denied = await services.guards.reserve(money, calling);
  if (denied) return deniedUse(denied);
  const used = await useFreely(decision, scope, tool);
  services.guards.settle(money.costId, costOf(decision, scope, used) ?? '0');
  return used;
};

const deniedUse = (denied: { readonly code: string; readonly message: string }): ChainResult => ({
  outcome: {
    output: null,
    failure: { ...denied, retryable: false, retryAfterMs: null, uncertain: false },
    durationMicros: 0,
  },
  ...{ via: 'tool', attempts: 0, ageMs: null, failures: [] },
});

const useFreely = (decision: ToolDecision, scope: StepScope, tool: ToolDefinition): Promise<ChainResult> => {
  const { run, services, calling } = scope;
  const tenant = tenantOf(scope);
  const chain = {
    tool,
    tools: run.agent?.tools ?? [],
    input: decision.input,
    tenant,
    limitMs: timeLeft(scope),
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
  const { run, services, calling } = scope;
  const { guards } = services;
  const closed = await guards.mayCall(`tool:${tool.name}`);
  if (closed !== null) {
    const failure = {
      ...{ code: 'breaker-open', message: closed, retryable: false },
      ...{ retryAfterMs: null, uncertain: false },
    };
    return { output: null, failure, durationMicros: 0 };
  }
  const tenant = tenantOf(scope);
  const freshness = freshnessOf(run.input.freshness);
  const outcome = await callTool(tool, input, {
    limitMs,
    context: {
      tenant,
      taskId: run.identity.taskId,
      executionId: run.identity.executionId,
      idempotencyKey: keyOf(decision, scope),
      // Whatever a model talks a tool into asking for: of this tenant only (I9).
      retriever: {
        search: (request, signal) =>
          services.retriever.search({ ...(freshness ? { freshness } : {}), ...request, tenant }, signal),
      },
      sourceUrls: services.sourceUrls,
      scratch: scratchOf(services.scratch, run.identity.executionId),
      signal: calling,
    },
  });
  // A tool that says no has answered; one that does not answer, or breaks, is what a breaker is for.
  if (!calling.aborted)
    guards.called(`tool:${tool.name}`, outcome.failure === null || !mayPass(outcome.failure));
  return outcome;
};

const toolOf = (decision: ToolDecision, { run }: StepScope): ToolDefinition => {
  const tool = run.agent?.tools?.find((each) => each.name === decision.name);
  if (!tool) throw new FreshetError('internal', `there is no tool ${decision.name}`);
  return tool;
};

const keyOf = (decision: ToolDecision, { run }: StepScope): string =>
  `${run.identity.executionId}:${decision.step}`;

/** What the calls cost; null for a tool that costs nothing, and for an answer that no call was made for. */
const costOf = (decision: ToolDecision, scope: StepScope, { attempts }: ChainResult): string | null => {
  const { costUsd } = toolOf(decision, scope);
  return costUsd === undefined || attempts === 0 ? null : formatUsd(parseUsd(costUsd) * BigInt(attempts));
};

const resultOf = (decision: ToolDecision, scope: StepScope, used: ChainResult): StepResult => ({
  ...NOTHING_SPENT,
  succeeded: used.outcome.failure === null,
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
    ...(costUsd === null ? {} : { costUsd, priceTable: 'tool' }),
  };
};
