import fc from 'fast-check';
import { expect, test } from 'vitest';
import { spreadWait } from '../../../agents/safety/spread-wait.ts';

const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const ms = fc.nat(3_600_000);

test('nobody comes back before they were told, nor much later, nor too late where they could have come in time', () => {
  fc.assert(
    fc.property(ms, ms, chance, (waitMs, withinMs, at) => {
      const waits = spreadWait(waitMs, withinMs, at);
      expect(waits).toBeGreaterThanOrEqual(waitMs);
      expect(waits).toBeLessThanOrEqual(waitMs * 1.1);
      if (waitMs <= withinMs) expect(waits).toBeLessThanOrEqual(withinMs);
    }),
  );
});

test('a hundred that were held back for half a minute come back over three seconds', () => {
  const waits = Array.from({ length: 100 }, (_, at) => spreadWait(30_000, 60_000, at / 100));
  expect(new Set(waits).size).toBe(100);
  expect(Math.max(...waits) - Math.min(...waits)).toBeGreaterThan(2_900);
});
