import fc from 'fast-check';
import { expect, test } from 'vitest';
import { afterFailure } from '../../../connectors/guarded-calls/retry-state.ts';

const limits = { attempts: 5, firstBackoffMs: 100, maxBackoffMs: 1_000 };

test('pauses grow, stay within their limit, and are never shorter than what was asked for', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 6 }),
      fc.boolean(),
      fc.option(fc.nat(2_000)),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (attempt, retry, afterMs, chance) => {
        const next = afterFailure(limits, attempt, { retry, afterMs, down: true }, chance);
        if (!retry || attempt >= limits.attempts || (afterMs ?? 0) > limits.maxBackoffMs) {
          expect(next).toEqual({ kind: 'give-up' });
          return;
        }
        if (next.kind !== 'again') throw new Error('it gave up');
        expect(next.waitMs).toBeLessThanOrEqual(limits.maxBackoffMs);
        if (afterMs !== null) expect(next.waitMs).toBe(afterMs);
        else expect(next.waitMs).toBeGreaterThanOrEqual(Math.min(1_000, 100 * 2 ** (attempt - 1)) / 2);
      },
    ),
  );
});
