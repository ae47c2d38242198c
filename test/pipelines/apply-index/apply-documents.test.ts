import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { VectorIndex } from '../../../connectors/vector-index/vector-index.ts';
import { createApply } from '../../../pipelines/apply-index/apply-documents.ts';
import { openGenerations } from '../../../pipelines/apply-index/generations.ts';
import { FreshetError } from '../../../schemas/errors.ts';
import type { Document } from '../../../schemas/records.ts';
import { DIMENSIONS, rowsOf, versionOf } from '../../failure/shrinking-document.ts';

const opened = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'freshet-apply-'));
  const generations = await openGenerations({ folder, dimensions: DIMENSIONS, onDiscarded: () => undefined });
  onTestFinished(async () => {
    await generations.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return generations.serving();
};

test('rows that a failure behind the switch left are taken out by the next call, though it has nothing to do with them', async () => {
  const { table, index } = await opened();
  let full = false;
  const filling: VectorIndex = {
    engine: index.engine,
    dimensions: index.dimensions,
    upsert: (rows) => index.upsert(rows),
    remove: async (rows) => {
      if (full) throw new FreshetError('disk-full', 'no space is left');
      await index.remove(rows);
    },
    query: (query) => index.query(query),
    has: (rows) => index.has(rows),
    ids: () => index.ids(),
    count: () => index.count(),
    clear: () => index.clear(),
    close: () => index.close(),
  };
  const apply = createApply(() => ({ table, index: filling }));
  const batch = (offset: number, chunks: number) => [
    {
      ...{ partition: 0, position: offset + 1 },
      records: [{ record: versionOf(offset, chunks), offset }],
    },
  ];
  await apply(batch(1, 10));
  full = true;
  await expect(apply(batch(2, 3))).rejects.toMatchObject({ code: 'disk-full' });
  expect([...table.staleRows()]).not.toEqual([]);
  full = false;
  // Tried again, it finds itself applied already.
  const [again] = await apply(batch(2, 3));
  expect(again?.applied).toEqual([false]);
  const rows: string[] = [];
  for await (const row of index.ids()) rows.push(row);
  expect(rows.sort()).toEqual([...rowsOf(versionOf(2, 3))].sort());
  expect([...table.staleRows()]).toEqual([]);
});

test('rows that the log no longer brings, once a partition began anew, are taken out when it is read to its end', async () => {
  const { table, index } = await opened();
  const begunAnew = new Map<number, number>();
  const apply = createApply(() => ({ table, index }), begunAnew);
  const other = { ...versionOf(1, 600), documentId: 'helpcentre/public.a/2' };
  const batch = (offset: number, record: Document) => [
    { partition: 0, position: offset + 1, records: [{ record, offset }] },
  ];
  await apply(batch(0, versionOf(0, 10)));
  await apply(batch(1, other));
  table.clear(0);
  begunAnew.set(0, 2);
  await apply(batch(0, versionOf(0, 10)));
  // What is still to come is not written twice.
  expect(await index.count()).toBe(610);
  await apply(batch(1, versionOf(1, 3)));
  const rows: string[] = [];
  for await (const row of index.ids()) rows.push(row);
  expect(rows.sort()).toEqual([...rowsOf(versionOf(1, 3))].sort());
  expect([...table.staleRows()]).toEqual([]);
  expect(begunAnew.size).toBe(0);
});

test('of partitions that began anew together, the first at its end takes no rows out that another has yet to read', async () => {
  const { table, index } = await opened();
  const begunAnew = new Map<number, number>();
  const apply = createApply(() => ({ table, index }), begunAnew);
  const batch = (partition: number, record: Document) => [
    { partition, position: 1, records: [{ record, offset: 0 }] },
  ];
  const other = { ...versionOf(1, 7), documentId: 'helpcentre/public.a/2' };
  await apply(batch(0, versionOf(1, 10)));
  await apply(batch(1, other));
  for (const partition of [0, 1]) {
    table.clear(partition);
    begunAnew.set(partition, 1);
  }
  await apply(batch(0, versionOf(1, 3)));
  expect(await index.count()).toBe(17);
  await apply(batch(1, other));
  expect(await index.count()).toBe(10);
  expect([...table.staleRows()]).toEqual([]);
});
