import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextBatchSize } from '../../pipelines/batch-size.ts';

const bounds = { least: 16, most: 256, withinMs: 250 };

test('grows while full batches are quick, shrinks when one is slow, stays where batches are not full', () => {
  expect(nextBatchSize(bounds, 16, 16, 20)).toBe(32);
  expect(nextBatchSize(bounds, 16, 3, 20)).toBe(16);
  expect(nextBatchSize(bounds, 128, 128, 200)).toBe(128);
  expect(nextBatchSize(bounds, 128, 40, 251)).toBe(64);
});

test('never leaves its bounds', () => {
  const run = fc.record({ share: fc.double({ min: 0, max: 1, noNaN: true }), tookMs: fc.nat(1_000) });
  fc.assert(
    fc.property(fc.array(run), (batches) => {
      let size = bounds.least;
      for (const { share, tookMs } of batches) {
        size = nextBatchSize(bounds, size, Math.ceil(share * size), tookMs);
        expect(size).toBeGreaterThanOrEqual(bounds.least);
        expect(size).toBeLessThanOrEqual(bounds.most);
      }
    }),
  );
});
