import { expect, test } from 'vitest';
import { nextTurn, PRUNED_A_TURN, SESSIONS_A_TURN } from '../../../agents/memory/keeping-turns-state.ts';

const EVERY_MS = 5_000;
const NONE = { sessionsEnded: 0, turnsMoved: 0, expired: 0, tooMany: 0, dropped: 0 };

/** Turns within a minute while sessions are always due, each of so many milliseconds. */
const busy = (tookMs: number): { readonly turns: number; readonly pruned: number } => {
  let [turns, pruned, at, prunedAt] = [0, 0, 0, 0];
  for (let next = { afterMs: EVERY_MS, prunes: true }; at < 60_000; turns += 1) {
    at += next.afterMs;
    if (next.prunes) {
      pruned += 1;
      prunedAt = at;
    }
    at += tookMs;
    next = nextTurn({ ...NONE, sessionsEnded: SESSIONS_A_TURN }, at - prunedAt, EVERY_MS);
  }
  return { turns, pruned };
};

test('many sessions that are due are gone through at once, and memories are looked through as seldom as else', () => {
  expect(busy(50)).toEqual({ turns: 551, pruned: 12 });
  // Each turn takes longer than the time between two.
  expect(busy(6_000)).toEqual({ turns: 10, pruned: 10 });
});

test('where a bound left memories over, they are pruned on; with nothing left over it rests', () => {
  const full = { ...NONE, expired: PRUNED_A_TURN - 1, dropped: 1 };
  expect(nextTurn(full, 10, EVERY_MS)).toMatchObject({ prunes: true });
  expect(nextTurn(full, 10, EVERY_MS).afterMs).toBeLessThan(EVERY_MS);
  expect(nextTurn(NONE, 10, EVERY_MS)).toEqual({ afterMs: EVERY_MS, prunes: true });
});
