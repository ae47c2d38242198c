import { expect, test } from 'vitest';
import type { LaneComparison, LaneMeasure } from '../../../connectors/index-service/lane-service.ts';
import { judgeCutover } from '../../../pipelines/apply-index/judge-cutover.ts';

const measure = (model: string, changed: Partial<LaneMeasure> = {}): LaneMeasure => ({
  ...{ model, queries: 100, found: 0.9, p50Ms: 4, p95Ms: 9, recall: 0.99 },
  ...changed,
});
const compare = (
  candidate: Partial<LaneMeasure> = {},
  changed: Partial<LaneComparison> = {},
): readonly string[] =>
  judgeCutover({
    ...{ serving: measure('old'), candidate: measure('new', candidate), overlap: 0.2, behind: 3 },
    ...changed,
  });

test('a model that finds as much as quickly may answer, however differently it ranks', () => {
  expect(compare()).toEqual([]);
  expect(compare({ found: 0.86, recall: null, p95Ms: 50 })).toEqual([]);
});

test.each([
  ['has not been filled', {}, { behind: 1_001 }, /1001 records behind/],
  ['has hardly been asked', { queries: 9 }, {}, /only 9 documents/],
  ['finds less', { found: 0.85 }, {}, /85 % of documents by their title, old 90 %/],
  ['has an index that misses rows', { recall: 0.94 }, {}, /94 % of the nearest/],
  ['is felt to be slower', { p95Ms: 60 }, {}, /60 ms at p95/],
])('one that %s does not', (_, candidate, changed, reason) => {
  expect(compare(candidate, changed)).toEqual([expect.stringMatching(reason)]);
});
