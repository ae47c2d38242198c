import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isWaitDue, mostBehind, type WaitLimits, type WaitSeen } from '../../../agents/runtime/wait-state.ts';

const LIMITS: WaitLimits = {
  afterMs: 60_000,
  pressedMs: 1_000,
  tasksBehind: 1_000,
  recordsBehind: 10_000,
  renewMs: 86_400_000,
  most: 10_000,
};
const calm = { journaled: 0, pressed: false };
const wait = (part: Partial<WaitSeen>): WaitSeen => ({
  waitedMs: 0,
  tasksBehind: 0,
  recordsBehind: 0,
  journaledMs: null,
  ...part,
});

test('a wait is journaled whole once it is long, or in the way; where its partition is held up by it, after a second', () => {
  expect(isWaitDue(wait({ waitedMs: 59_999 }), calm, LIMITS)).toBe(false);
  expect(isWaitDue(wait({ waitedMs: 60_000 }), calm, LIMITS)).toBe(true);
  expect(isWaitDue(wait({ tasksBehind: 1_000 }), calm, LIMITS)).toBe(true);
  expect(isWaitDue(wait({ recordsBehind: 10_000 }), calm, LIMITS)).toBe(true);
  expect(isWaitDue(wait({ waitedMs: 1_000 }), { ...calm, pressed: true }, LIMITS)).toBe(true);
  expect(isWaitDue(wait({ waitedMs: 1e9 }), { ...calm, journaled: 10_000 }, LIMITS)).toBe(false);
});

test('however many wait, renewing them is a small part of the journal, and a wait of a quiet log is renewed once a day', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000 }), fc.nat(200_000), (journaled, recordsBehind) => {
      const due = isWaitDue(wait({ journaledMs: 5, recordsBehind }), { ...calm, journaled }, LIMITS);
      // Between two of its renewals lie more records than all others renewed can be.
      if (due) expect(recordsBehind).toBeGreaterThanOrEqual(4 * journaled);
      // And what a successor reads is bounded by as much.
      else expect(recordsBehind).toBeLessThan(Math.max(LIMITS.recordsBehind, 4 * journaled));
    }),
  );
  expect(isWaitDue(wait({ journaledMs: LIMITS.renewMs }), calm, LIMITS)).toBe(true);
});

test('whoever looks back as far as waits are renewed finds each, however many wait and however short the time', () => {
  fc.assert(
    fc.property(
      fc.record({
        ...{ afterMs: fc.nat(), pressedMs: fc.nat(), tasksBehind: fc.nat(), renewMs: fc.nat() },
        ...{ recordsBehind: fc.nat(50_000), most: fc.nat(50_000) },
      }),
      fc.nat(),
      fc.nat(100),
      fc.boolean(),
      (limits, journaled, over, pressed) => {
        const seen = wait({ journaledMs: -1, recordsBehind: mostBehind(limits) + over });
        expect(isWaitDue(seen, { journaled: Math.min(journaled, limits.most), pressed }, limits)).toBe(true);
      },
    ),
  );
});
