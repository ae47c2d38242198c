/** Lookalikes are found in the table itself: after a restart, within a tenant, and not once their document is gone. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openLmdbDocumentTable } from '../../../connectors/document-table/lmdb-document-table.ts';
import type { Document } from '../../../schemas/records.ts';
import { storedDocument } from './table-records.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'freshet-looks-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

type Table = Awaited<ReturnType<typeof openLmdbDocumentTable>>;

/** Hash of the text, then SimHash: differs from another in as many bits as are set in `bits`. */
const look = (hash: string, bits = 0): Buffer => {
  const fingerprint = Buffer.alloc(16);
  fingerprint.write(hash, 0, 8, 'utf8');
  fingerprint.writeUInt32BE(bits, 8);
  return fingerprint;
};
const put = (table: Table, id: string, fields: Partial<Document>, offset = 1, partition = 0): void =>
  table.write({ partition, position: offset + 1, documents: [storedDocument(id, offset, fields)] });

test('the same text and a near one are found in any partition, and not of another tenant or itself', async () => {
  const table = await openLmdbDocumentTable({ folder });
  put(table, 'a', { fingerprint: look('text one') });
  put(table, 'b', { fingerprint: look('text two', 0xff) }, 1, 3);
  expect(table.find('acme', 'new', look('text two', 0xff), 65)).toEqual({ documentId: 'b', same: true });
  expect(table.find('acme', 'new', look('another', 0b11), 62)).toEqual({ documentId: 'a', same: false });
  expect(table.find('acme', 'new', look('another', 0b11), 63)).toBeUndefined();
  // What does not count hides nothing that does.
  const others = (id: string): boolean => id !== 'b';
  expect(table.find('acme', 'new', look('text two', 0xff), 65, others)).toBeUndefined();
  expect(table.find('acme', 'new', look('text two', 0b1), 62, others)).toMatchObject({ documentId: 'a' });
  expect(table.find('brim', 'new', look('text one'), 60)).toBeUndefined();
  expect(table.find('acme', 'a', look('text one'), 65)).toBeUndefined();
  await table.close();
});

test('found after a restart; not after an update, a marker, a removal or a clearing', async () => {
  let table = await openLmdbDocumentTable({ folder });
  for (const id of ['a', 'b', 'c', 'd']) put(table, id, { fingerprint: look(`text ${id}`) });
  await table.close();
  table = await openLmdbDocumentTable({ folder });
  const found = (id: string): boolean => table.find('acme', 'new', look(`text ${id}`), 65) !== undefined;
  expect(['a', 'b', 'c', 'd'].map(found)).toEqual([true, true, true, true]);
  put(table, 'a', { fingerprint: look('other') }, 2);
  put(table, 'b', { kind: 'deleted', tenant: null, text: '', chunks: [] }, 2);
  table.write({ partition: 0, position: 3, removed: ['c'] });
  expect(['a', 'b', 'c', 'd'].map(found)).toEqual([false, false, false, true]);
  table.clear(0);
  expect(found('d')).toBe(false);
  await table.close();
});

test('documents of a table are counted by their ids, markers apart', async () => {
  const table = await openLmdbDocumentTable({ folder });
  for (const id of ['shop/public.a/1', 'shop/public.a/2', 'shop/public.ab/1']) put(table, id, {});
  put(table, 'shop/public.a/3', { kind: 'deleted' });
  expect(table.countOf(0, 'shop/public.a/')).toBe(2);
  expect(table.countOf(1, 'shop/public.a/')).toBe(0);
  await table.close();
});
