import { expect, test } from 'vitest';
import { describeComparison } from '../../cli/commands/lane-comparison.ts';

const measure = (queries: number, recall: number | null) => ({
  ...{ model: 'm', queries, found: 0.9, p50Ms: 1, p95Ms: 2, recall },
});
const said = (queries: number, recall: number | null): string =>
  describeComparison({
    ...{ serving: measure(queries, 0.98), candidate: measure(queries, recall), overlap: 0.5, behind: 0 },
  });

test('a recall that was not measured is said to be none, with why', () => {
  expect(said(100, 0.961)).toContain('nearest rows 96.1 %, 1 ms (p95 2)');
  expect(said(100, null)).toContain('recall was not measured: more than 50,000 rows');
  expect(said(0, null)).toMatch(/recall was not measured, 1 ms/);
});
