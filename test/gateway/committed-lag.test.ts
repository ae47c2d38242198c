import { expect, test } from 'vitest';
import { behindOf, recordsBehind } from '../../gateway/committed-lag.ts';

test('a partition that was never committed is behind by all that it holds, and one whose place is gone by what is left', () => {
  const offsets = [
    { partition: 0, earliest: 0, latest: 10 },
    { partition: 1, earliest: 5, latest: 10 },
    { partition: 2, earliest: 8, latest: 10 },
    { partition: 3, earliest: 0, latest: 0 },
  ];
  const behind = behindOf(
    offsets,
    new Map([0, 2].map((partition) => [partition, { offset: 10 - 3 * partition }])),
  );
  expect(behind).toEqual([
    { partition: 1, from: 5, latest: 10 },
    { partition: 2, from: 8, latest: 10 },
  ]);
  expect(recordsBehind(behind)).toBe(7);
});
