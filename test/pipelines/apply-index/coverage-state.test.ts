import { expect, test } from 'vitest';
import { inOwnTime } from '../../../pipelines/apply-index/coverage-state.ts';
import type { WatermarkPoint } from '../../../schemas/records.ts';

const point: WatermarkPoint = {
  ...{ source: 's', epoch: 1, state: 'known', reason: null, position: '0/1', committedAt: 90 },
  ...{ observedAt: 95, documentEnds: [1], clockOffsetMicros: null, clockErrorMicros: null },
  heldTables: [
    { table: 'a', reason: 'paused', position: '0/1', committedAt: 10, observedAt: 20 },
    { table: 'b', reason: 'paused', position: null, committedAt: 0, observedAt: 0 },
  ],
  ...{ quarantined: 0, deadLettered: 0, probe: null, at: 100 },
};

test('a clock that is behind the tracker makes nothing look newer than it is; one that is ahead, or late, changes nothing', () => {
  const behind = inOwnTime(point, 60);
  expect(behind).toMatchObject({ observedAt: 55, committedAt: 90, at: 100 });
  expect(behind.heldTables.map(({ observedAt }) => observedAt)).toEqual([1, 0]);
  for (const receivedAt of [100, 101, 10_000]) expect(inOwnTime(point, receivedAt)).toBe(point);
});
