import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openLmdbDocumentTable } from '../../../connectors/document-table/lmdb-document-table.ts';
import { listDocuments } from '../../../pipelines/apply-index/held-documents.ts';
import { turn } from '../../../schemas/event-loop-turn.ts';
import { storedDocument } from '../../connectors/document-table/table-records.ts';
import { temporaryFolder } from '../../support/plane-roles.ts';

test('a listing that is read slowly keeps no page of the table, and tells of each that stays once', async () => {
  const folder = await temporaryFolder();
  onTestFinished(() => folder.remove());
  const table = await openLmdbDocumentTable({ folder: folder.path });
  onTestFinished(() => table.close());
  const idOf = (key: number): string => `helpcentre/public.articles/${String(key).padStart(4, '0')}`;
  const put = (key: number): void =>
    table.write({
      partition: 0,
      position: 1,
      documents: [storedDocument(idOf(key), 0, { text: 'x'.repeat(4_000) })],
    });
  const count = 1_000;
  for (let key = 0; key < count; key += 1) put(key);
  const refused = { kind: 'refused', tenant: null } as const;
  const stale = { version: 'v', since: 0, committedAt: 0 };
  table.write({
    ...{ partition: 0, position: 1 },
    documents: [storedDocument(idOf(1), 0, { ...refused, stale }), storedDocument(idOf(2), 0, refused)],
    removed: [],
  });
  const bytes = (): number => statSync(join(folder.path, 'table.mdb')).size;

  const listing = listDocuments(() => ({ table }), [0], 'helpcentre', 'public.articles');
  expect((await listing.next()).value).toBe(idOf(0));
  const before = bytes();
  for (let at = 0; at < 2_000; at += 1) {
    put(500 + (at % 100));
    // The reader of one turn is let go of by the next.
    if (at % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  expect(bytes() - before).toBeLessThan(4 * 2 ** 20);
  table.write({ partition: 0, position: 1, removed: [idOf(900)] });
  put(count);
  await turn();
  const listed: string[] = [];
  for await (const id of listing) listed.push(id);
  const expected = Array.from({ length: count }, (_, at) => idOf(at + 1)).filter(
    (id) => id !== idOf(2) && id !== idOf(900),
  );
  expect(listed).toEqual(expected);
});
