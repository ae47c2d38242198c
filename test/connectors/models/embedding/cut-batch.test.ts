import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cutBatch, DEFAULT_BATCH_LIMITS } from '../../../../connectors/models/embedding/cut-batch.ts';

const limits = DEFAULT_BATCH_LIMITS;
const queue = fc.array(fc.integer({ min: 2, max: 256 }), { minLength: 1, maxLength: 200 });

test('one text at rest goes alone and at once', () => {
  expect(cutBatch([22], limits, 2)).toEqual([0]);
});

test('equal lengths fill a larger batch than different ones', () => {
  expect(cutBatch(Array(40).fill(20), limits, 1)).toHaveLength(16);
  expect(cutBatch([20, ...Array(40).fill(21)], limits, 1)).toHaveLength(8);
});

test('a batch takes the texts nearest in length to the oldest', () => {
  expect(cutBatch([30, 200, 31, 120, 30], limits, 1)).toEqual([0, 2, 4]);
});

test('two idle workers share a short queue', () => {
  expect(cutBatch([20, 20, 20, 20], limits, 2)).toEqual([0, 1]);
});

test('a text longer than the token limit still goes, alone', () => {
  expect(cutBatch([256, 256], { ...limits, maxPaddedTokens: 100 }, 1)).toEqual([0]);
});

test('every batch holds the oldest text, no text twice, and keeps all limits', () => {
  fc.assert(
    fc.property(queue, fc.integer({ min: 1, max: 8 }), (lengths, idleWorkers) => {
      const batch = cutBatch(lengths, limits, idleWorkers);
      const chosen = batch.map((position) => lengths[position] ?? Number.NaN);
      const padded = Math.max(...chosen) * chosen.length;
      const tokens = chosen.reduce((sum, length) => sum + length, 0);
      expect(batch[0]).toBe(0);
      expect(new Set(batch).size).toBe(batch.length);
      expect(batch).toEqual([...batch].sort((a, b) => a - b));
      if (batch.length === 1) return;
      const equal = new Set(chosen).size === 1;
      expect(batch.length).toBeLessThanOrEqual(equal ? limits.maxTexts : limits.maxTextsMixed);
      expect(padded).toBeLessThanOrEqual(limits.maxPaddedTokens);
      expect((padded - tokens) / padded).toBeLessThanOrEqual(limits.maxPaddingShare);
    }),
  );
});

test('no text starves: with newcomers at every step it goes after at most as many batches as stood before it', () => {
  fc.assert(
    fc.property(queue, queue, (waiting, newcomers) => {
      let lengths = waiting.map((length, position) => ({ length, position }));
      const last = waiting.length - 1;
      for (let batches = 0; batches <= last; batches += 1) {
        const batch = new Set(
          cutBatch(
            lengths.map((text) => text.length),
            limits,
            1,
          ),
        );
        if ([...batch].some((place) => lengths[place]?.position === last)) return;
        lengths = lengths.filter((_, place) => !batch.has(place));
        lengths.push(...newcomers.map((length) => ({ length, position: -1 })));
      }
      expect.unreachable();
    }),
    { numRuns: 30 },
  );
});
