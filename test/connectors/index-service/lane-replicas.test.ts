import { expect, test } from 'vitest';
import { furthestBehind } from '../../../connectors/index-service/lane-replicas.ts';
import { answeringOf, type LanesStatus } from '../../../connectors/index-service/lane-service.ts';
import { initialLanes } from '../../../schemas/model-lanes.ts';

const WANTED = { ...initialLanes('old'), serving: 'new', previous: 'old' };
const status = (answering: string, behind: Readonly<Record<string, number>>): LanesStatus => ({
  wanted: WANTED,
  answering,
  lanes: Object.entries(behind).map(([model, each]) => ({
    ...{ model, modelId: `${model}@1`, documents: 5, rows: 7 },
    behind: each,
  })),
});

test('a switch is done when the last replica has switched', () => {
  expect(furthestBehind([status('new', {}), status('old', {})]).answering).toBe('old');
  expect(furthestBehind([status('new', {}), status('new', {})]).answering).toBe('new');
});

test('whoever has not switched is among those that answer, one that has not heard of the cut-over too', () => {
  const deaf = { ...status('old', {}), wanted: { ...initialLanes('old'), candidate: 'new' } };
  for (const still of [status('old', {}), deaf])
    for (const all of [
      [still, status('new', {})],
      [status('new', {}), still],
    ])
      expect(answeringOf(furthestBehind(all))).toContain('old');
  expect(answeringOf(furthestBehind([status('new', {}), status('new', {})]))).toEqual(['new']);
});

test('a lane is as far as where it is furthest behind, and is there once every replica has opened it', () => {
  const { lanes } = furthestBehind([status('old', { old: 0, new: 3 }), status('old', { old: 9 })]);
  expect(lanes.map(({ model, behind }) => [model, behind])).toEqual([['old', 9]]);
});

test('no replica is no answer', () => {
  expect(() => furthestBehind([])).toThrow(/no index replica/);
});
