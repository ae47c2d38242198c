/**
 * What an execution that was forked has still to undo of what its origin did after the step of the fork: the latest first,
 * each with an intent before it and its outcome after it in the fork's own journal, as checkpoints named `undo` and
 * `undone`. A worker that takes the fork over goes on where the journal says, and begins what another was told to let go of before it
 * called the tool. Pure; how one is undone: undo-effect.ts.
 */
import { UNDONE } from '../../schemas/execution-payloads.ts';
import type { AgentEvent } from '../../schemas/records.ts';
import { STOPPED } from '../runtime/step-calls.ts';
import type { Compensation } from './compensations.ts';

export interface EffectToUndo extends Compensation {
  /** Its undoing was begun before, and what came of it was lost: it may be undone. */
  readonly lost: boolean;
}

/** Those whose tool says how, and that are not settled in the fork's own journal (`journaled`), be it that undoing them failed. */
export const effectsToUndo = (
  compensations: readonly Compensation[],
  journaled: readonly Pick<AgentEvent, 'idempotencyKey' | 'name' | 'error'>[],
): readonly EffectToUndo[] =>
  compensations.flatMap((effect) => {
    const said = journaled.filter(({ idempotencyKey }) => idempotencyKey === effect.idempotencyKey);
    const outcomes = said.filter(({ name }) => name === UNDONE);
    const isSettled = outcomes.some(({ error }) => error?.code !== STOPPED);
    const begun = said.length - outcomes.length;
    return isSettled || effect.kind !== 'declared' ? [] : [{ ...effect, lost: begun > outcomes.length }];
  });
