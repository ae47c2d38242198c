/**
 * Undoes one effect of a fork's origin, as one effect more: between a heard stop and the next, within its tool's time and
 * the execution's, its intent and its money in the journal before it. Whatever its outcome, it is settled by it. One whose worker was lost is
 * made again only where the tool takes the key, and else left to a person (I8).
 */
import { FreshetError } from '../../schemas/errors.ts';
import { TOOL_PRICE, totalUsd, undoCostIdOf } from '../../schemas/execution-costs.ts';
import { type EffectUndone, UNDO, UNDONE } from '../../schemas/execution-payloads.ts';
import { parseUsd } from '../../schemas/money.ts';
import type { EffectToUndo } from '../replay/undo-effects.ts';
import { callCompensation, STOPPED } from './step-calls.ts';
import { callLimitMs, moneyOf, type StepScope, stopDraft, throwIfStopped, timeOf } from './step-scope.ts';
import { toolContextOf } from './tool-context.ts';

const LOOK = 'look whether it was undone; it is not tried again';

export const undoEffect = async (effect: EffectToUndo, scope: StepScope): Promise<void> => {
  const { journal, run, services, calling } = scope;
  const { executionId, step, idempotencyKey, input, output } = effect;
  const tool = run.agent?.tools?.find(({ name }) => name === effect.tool);
  if (!tool?.compensate) throw new FreshetError('internal', `${effect.tool} does not say how it is undone`);
  // One that nobody waits for any more is left as it is: with no time for it, nobody would know what came of it.
  if (timeOf(scope).leftMs <= 0) return;
  // What is undone counts as no step.
  const draft = {
    type: 'checkpoint',
    step: journal.state().step,
    idempotencyKey,
    input: JSON.stringify({ tool: effect.tool, executionId, step } satisfies EffectUndone),
  } as const;
  const unknown = (why: string) => ({
    ...draft,
    name: UNDONE,
    error: { code: 'effect-unknown', message: `${why}: ${LOOK}`, retryable: false },
  });
  if (effect.lost && tool.takesIdempotencyKey !== true) {
    await journal.write(unknown('the worker was lost while it was undone'));
    return;
  }
  const usd = tool.compensateUsd ?? null;
  const over = usd === null ? null : overCapOf(usd, effect.tool, scope);
  if (over !== null) {
    const stop = stopDraft(draft.step, { code: 'money-cap', message: over });
    await journal.write(...(effect.lost ? [unknown(over), stop] : [stop]));
    return;
  }
  const reserved = usd === null ? {} : { reservedUsd: usd, priceTable: TOOL_PRICE };
  await journal.write({ ...draft, at: scope.at, name: UNDO, ...reserved });
  const money = usd === null ? null : undoMoneyOf(scope, idempotencyKey, usd);
  const denied = money && (await services.guards.reserve(money, calling));
  if (denied) {
    // This call was not made; of one that was lost before it nobody knows.
    const error = effect.lost ? unknown(denied.message).error : { ...denied, retryable: false };
    const notMade = { ...draft, name: UNDONE, error, costUsd: '0', priceTable: TOOL_PRICE };
    await journal.write(notMade, stopDraft(draft.step, denied));
    return;
  }
  const { failure, durationMicros } = await callCompensation(
    tool,
    { input: JSON.parse(input ?? 'null'), output: JSON.parse(output ?? 'null') },
    { limitMs: callLimitMs(scope), context: toolContextOf(scope, journal.state().step, idempotencyKey) },
  );
  // A call costs whatever came of it, as a tool's does.
  const costUsd = failure?.made === false ? '0' : (usd ?? '0');
  // After the journal: until that knows what the call came to, it counts at its reservation in both.
  const settle = (): void => {
    if (money) services.guards.settle(money.costId, costUsd);
  };
  const spent = { durationMicros, ...(usd === null ? {} : { costUsd, priceTable: TOOL_PRICE }) };
  if (run.signal.aborted && failure?.made === false) {
    // It is as if it had not been begun.
    const error = { code: STOPPED, message: failure.message, retryable: true };
    journal.writeAtOnce({ ...draft, name: UNDONE, error, ...spent }, settle);
  }
  throwIfStopped(scope);
  if (failure && (failure.uncertain || effect.lost))
    await journal.writeTaken(settle, { ...unknown(failure.message), ...spent });
  else
    await journal.writeTaken(settle, {
      ...{ ...draft, name: UNDONE, ...spent },
      // Whatever its code says is the tool's own, and not of the journal.
      error: failure && { code: 'compensation-failed', message: failure.message, retryable: false },
    });
};

const undoMoneyOf = (scope: StepScope, idempotencyKey: string, usd: string) => {
  const { identity, epoch } = scope.run;
  const costId = undoCostIdOf({ executionId: identity.executionId, epoch, idempotencyKey });
  return { ...moneyOf(scope, scope.journal.state().step, usd), costId };
};

const overCapOf = (usd: string, tool: string, { journal }: StepScope): string | null => {
  const { costs, terms } = journal.state();
  const maxUsd = terms?.limits.maxUsd ?? '0';
  return totalUsd(costs) + parseUsd(usd) > parseUsd(maxUsd)
    ? `undoing what ${tool} did may cost ${usd} USD: over ${maxUsd}`
    : null;
};
