import { expect, test } from 'vitest';
import { type AppliedChange, worthTelling } from '../../../pipelines/apply-index/leave-timings.ts';
import type { Document } from '../../../schemas/records.ts';
import { makeVersion } from '../../../schemas/version.ts';

const change = (id: number, table: string, lsn: bigint, source = 's'): AppliedChange => ({
  record: {
    documentId: `${source}/${table}/${id}`,
    source,
    table,
    version: makeVersion(1, [lsn, 5n]),
  } as Document,
  ...{ applied: true, appendedAt: 0 },
});

test('every change is told; of the rows that a snapshot read, the last of each table', () => {
  const changes = [
    change(1, 'a', 0n),
    change(2, 'a', 7n),
    change(3, 'b', 0n),
    change(4, 'a', 0n),
    change(5, 'b', 8n),
  ];
  expect(worthTelling(changes).map(({ record }) => record.documentId)).toEqual([
    's/a/2',
    's/b/3',
    's/a/4',
    's/b/5',
  ]);
});

test('tables of two sources that have one name are two', () => {
  const changes = [change(1, 'a', 0n), change(2, 'a', 0n, 't'), change(3, 'a', 0n)];
  expect(worthTelling(changes).map(({ record }) => record.documentId)).toEqual(['t/a/2', 's/a/3']);
});
