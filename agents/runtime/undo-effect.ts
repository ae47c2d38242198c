/**
 * Undoes one effect of a fork's origin, as one effect more: between a heard stop and the next, within its tool's time and
 * the execution's, its intent in the journal before it. Whatever its outcome, it is settled by it. One whose worker was lost is
 * made again only where the tool takes the key, and else left to a person (I8).
 */
import { FreshetError } from '../../schemas/errors.ts';
import { UNDO, UNDONE } from '../../schemas/execution-payloads.ts';
import type { EffectToUndo } from '../replay/undo-effects.ts';
import { callCompensation } from './step-calls.ts';
import { callLimitMs, type StepScope, throwIfStopped, timeOf } from './step-scope.ts';
import { toolContextOf } from './tool-context.ts';

const LOOK = 'look whether it was undone; it is not tried again';

export const undoEffect = async (effect: EffectToUndo, scope: StepScope): Promise<void> => {
  const { journal, run } = scope;
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
    input: JSON.stringify({ tool: effect.tool, executionId, step }),
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
  await journal.write({ ...draft, name: UNDO });
  throwIfStopped(scope);
  const { failure, durationMicros } = await callCompensation(
    tool,
    { input: JSON.parse(input ?? 'null'), output: JSON.parse(output ?? 'null') },
    { limitMs: callLimitMs(scope), context: toolContextOf(scope, journal.state().step, idempotencyKey) },
  );
  throwIfStopped(scope);
  if (failure && (failure.uncertain || effect.lost))
    await journal.write({ ...unknown(failure.message), durationMicros });
  else
    await journal.write({
      ...{ ...draft, name: UNDONE, durationMicros },
      // Whatever its code says is the tool's own, and not of the journal.
      error: failure && { code: 'compensation-failed', message: failure.message, retryable: false },
    });
};
