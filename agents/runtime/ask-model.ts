/** Asks a model: breaker, intent in the journal, the day's money, the call, its reply in the journal. */
import { FreshetError } from '../../schemas/errors.ts';
import { NOT_MADE } from '../../schemas/execution-payloads.ts';
import { formatUsd, priceOf } from '../../schemas/money.ts';
import { spreadWait } from '../safety/spread-wait.ts';
import { decide } from './decide.ts';
import { type Decided, inputHashOf } from './decision.ts';
import { MICROS } from './decision-facts.ts';
import { BREAKER_OPEN, type StepFailure } from './execution-state.ts';
import { callModel } from './step-calls.ts';
import {
  callLimitMs,
  errorOf,
  failureOutput,
  moneyOf,
  NOTHING_SPENT,
  type StepResult,
  type StepScope,
  stopDraft,
  throwIfStopped,
  timeOf,
  traceparentOfStep,
} from './step-scope.ts';
import { tellBreaker } from './tell-breaker.ts';

export const askModel = async (decision: Decided<'model'>, scope: StepScope): Promise<StepResult> => {
  const { services, journal, chunks, at } = scope;
  const { step, name, reservedUsd, priceTable, bounds, input: prompt } = decision;
  const { guards } = services;
  const inputHash = inputHashOf(decision);
  // The prompt itself is a function of the journal before it; its hash is enough to hold a replay against.
  const asked = { bounds, maxOutputTokens: prompt.maxOutputTokens, messages: prompt.messages.length };
  const input = JSON.stringify(asked);
  const held = await guards.mayCall(`model:${name}`);
  if (held !== null) {
    const error = { code: BREAKER_OPEN, message: held.message, retryable: true };
    const output = failureOutput({ retryAfterMs: comesBackAfter(held.retryAfterMs, scope) });
    journal.writeBehind({ type: 'error', step, at, name, input, inputHash, error, output });
    return { succeeded: false, outsideMicros: 0, ...NOTHING_SPENT, failure: error.code };
  }
  const allowed = performance.now();
  const sinceMs = (): number => performance.now() - allowed;
  /** It may be the one that tries an open breaker: whoever asks next does so, where nothing was sent. */
  const giveBack = (): void => guards.notMade(`model:${name}`, sinceMs());
  const money = moneyOf(scope, step, reservedUsd);
  /** Its worker was told to let go before anything was sent: it is as if it had not been begun. */
  const leaveUnasked = (): void =>
    journal.writeAtOnce(
      {
        ...{ type: 'checkpoint', name: NOT_MADE, step, input: JSON.stringify({ model: name }) },
        ...{ costUsd: '0', priceTable },
      },
      () => guards.settle(money.costId, '0'),
    );
  try {
    await journal.write({ type: 'intent', step, at, name, input, inputHash, reservedUsd, priceTable });
    if (scope.run.signal.aborted) leaveUnasked();
    throwIfStopped(scope);
  } catch (error) {
    giveBack();
    throw error;
  }
  const model = services.models.find((each) => each.id === name);
  if (!model) throw new FreshetError('internal', `there is no model ${name}`);
  const hasOther = await hasAnother(name, scope);
  const { maxOutputTokens } = prompt;
  const asking = { of: 'model', provider: model.provider ?? null, maxOutputTokens } as const;
  const denied = await guards.reserve(money, scope.calling);
  if (denied || scope.calling.aborted) giveBack();
  if (scope.run.signal.aborted) leaveUnasked();
  throwIfStopped(scope);
  if (denied) {
    const error = { ...denied, retryable: false };
    const place = { step, name, inputHash, priceTable } as const;
    await journal.write({ ...place, type: 'error', error, costUsd: '0' }, stopDraft(step, denied));
    return { succeeded: false, outsideMicros: 0, ...NOTHING_SPENT, failure: denied.code };
  }
  const limitMs = callLimitMs(scope);
  const { output, failure, durationMicros } = await callModel(model, prompt, {
    limitMs,
    ...(hasOther ? { silenceMs: limitMs / 2 } : {}),
    signal: scope.calling,
    onChunk: chunks.onModelChunk(step),
    traceparent: traceparentOfStep(scope, step),
  });
  tellBreaker(guards, { name: `model:${name}`, sinceMs: sinceMs() }, failure, scope.calling);
  if (failure) {
    if (scope.run.signal.aborted && !failure.uncertain) leaveUnasked();
    throwIfStopped(scope);
    const settle = (): void => guards.settle(money.costId, failure.uncertain ? reservedUsd : '0');
    await journal.writeTaken(settle, {
      type: 'error',
      step,
      name,
      inputHash,
      priceTable,
      error: errorOf(failure),
      output: failureOutput(failure),
      durationMicros,
      ...(failure.uncertain ? { reservedUsd } : { costUsd: '0' }),
    });
    return {
      ...{ succeeded: false, outsideMicros: durationMicros, ...NOTHING_SPENT, failure: failure.code },
      seen: { ...asking, cachedInputTokens: 0, finishReason: null },
    };
  }
  const { inputTokens, outputTokens, cachedInputTokens, cacheWriteTokens, reported } = output.usage;
  const costUsd = formatUsd(priceOf(output.usage, model.price));
  const { text, toolCalls, finishReason, thinking } = output;
  const told = {
    ...{ text, toolCalls, finishReason, usageReported: reported },
    ...(cacheWriteTokens === undefined ? {} : { cacheWriteTokens }),
    ...(thinking === undefined ? {} : { thinking }),
  };
  const usage = { inputTokens, outputTokens, cachedInputTokens };
  // Even when stopped meanwhile: the money was spent, and under a stale claim too it counts. Pure steps may go on
  // before it is acknowledged; whatever acts outside has a barrier of its own behind it. The day's money hears of it after the
  // journal: a worker that dies between the two has lost the call, which counts at its reservation in both.
  journal.writeAtOnce(
    {
      ...{ type: 'llm-response', step, name, inputHash, priceTable, costUsd, usage, durationMicros },
      output: JSON.stringify(told),
    },
    () => guards.settle(money.costId, costUsd),
  );
  return {
    ...{ succeeded: true, outsideMicros: durationMicros, inputTokens, outputTokens, costUsd },
    seen: { ...asking, cachedInputTokens, finishReason },
  };
};

/** Whether another would be asked by the decision itself, were this one given up when half of the time is over: of those that are not held back now. */
const hasAnother = async (name: string, scope: StepScope): Promise<boolean> => {
  const { journal, services, facts } = scope;
  const state = journal.state();
  const at = scope.at + (timeOf(scope, scope.at).leftMs / 2) * MICROS;
  const givenUp: StepFailure[] = [];
  for (let model = name; ; ) {
    givenUp.push({ name: model, code: 'timeout', message: '', retryable: false, at, retryAfterMs: null });
    if (givenUp.length >= (state.terms?.models.length ?? 0)) return false;
    const after = { ...state, phase: { kind: 'ready' as const }, failures: [...state.failures, ...givenUp] };
    const next = decide(after, facts, at);
    if (next.kind !== 'model') return false;
    if (await services.guards.peek(`model:${next.name}`)) return true;
    model = next.name;
  }
};

/** Counted from when the step was decided, which is the time that its event bears; no sooner than it was told, and within its time. */
const comesBackAfter = (ms: number | null, scope: StepScope): number | null => {
  if (ms === null) return null;
  const now = scope.services.clock();
  const decidedMs = Math.max(0, now - scope.at) / MICROS;
  return Math.ceil(decidedMs + spreadWait(ms, timeOf(scope, now).leftMs, Math.random()));
};
