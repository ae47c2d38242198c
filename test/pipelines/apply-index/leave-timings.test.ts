import { expect, test } from 'vitest';
import { type AppliedChange, worthTelling } from '../../../pipelines/apply-index/leave-timings.ts';
import type { Document } from '../../../schemas/records.ts';

const change = (id: number, table: string, basis: 'commit' | 'snapshot', source = 's'): AppliedChange => ({
  record: {
    documentId: `${source}/${table}/${id}`,
    source,
    table,
    timing: { basis },
  } as unknown as Document,
  ...{ applied: true, appendedAt: 0 },
});

test('every change is told; of the rows that a snapshot read, the last of each table', () => {
  const changes = [
    change(1, 'a', 'snapshot'),
    change(2, 'a', 'commit'),
    change(3, 'b', 'snapshot'),
    change(4, 'a', 'snapshot'),
    change(5, 'b', 'commit'),
  ];
  expect(worthTelling(changes).map(({ record }) => record.documentId)).toEqual([
    's/a/2',
    's/b/3',
    's/a/4',
    's/b/5',
  ]);
});

test('tables of two sources that have one name are two', () => {
  const changes = [change(1, 'a', 'snapshot'), change(2, 'a', 'snapshot', 't'), change(3, 'a', 'snapshot')];
  expect(worthTelling(changes).map(({ record }) => record.documentId)).toEqual(['t/a/2', 's/a/3']);
});
