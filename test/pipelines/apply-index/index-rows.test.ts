/** What an update of a document adds to the vector index, shows, and leaves stale. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesOfVector } from '../../../connectors/vector-index/vector-codec.ts';
import { changeRows, rowIdOf, tagsOf } from '../../../pipelines/apply-index/index-rows.ts';
import type { Document } from '../../../schemas/records.ts';
import { recordOf } from '../document-histories.ts';

const documentWith = (hashes: readonly string[], fields: Partial<Document> = {}): Document => ({
  ...recordOf({ kind: 'document', table: 'public.a', key: 1 }, 1),
  model: 'm',
  metadata: { kind: 'a' },
  chunks: hashes.map((hash, at) => ({
    hash,
    start: at,
    end: at + 1,
    vector: bytesOfVector(Float32Array.of(1, at)),
  })),
  ...fields,
});
const hashes = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), { maxLength: 6 });
const ids = (record: Document): readonly string[] =>
  record.chunks.map((chunk) => rowIdOf(record, chunk.hash));

test('what was and is not any more is stale, what is new is added, all of the new state is visible, no row twice', () => {
  fc.assert(
    fc.property(hashes, hashes, (before, after) => {
      const [held, newest] = [documentWith(before), documentWith(after)];
      const { added, visible, stale } = changeRows(3, held, newest);
      const old = new Set(ids(held));
      const fresh = new Set(ids(newest));
      expect(visible.map(({ rowId }) => rowId)).toEqual([...fresh]);
      expect(added.map(({ id }) => id)).toEqual([...fresh].filter((id) => !old.has(id)));
      expect(stale).toEqual([...old].filter((id) => !fresh.has(id)).map((id) => ({ id, tenant: 'acme' })));
      for (const { rowId, origin } of visible) {
        expect(origin).toMatchObject({ partition: 3, documentId: newest.documentId });
        expect(ids(newest)[origin.chunk]).toBe(rowId);
      }
    }),
  );
});

test('unchanged text adds nothing and leaves nothing stale', () => {
  const held = documentWith(['a', 'b']);
  expect(changeRows(0, held, { ...held, version: '2', title: 'x' })).toMatchObject({ added: [], stale: [] });
});

test.each<[string, Partial<Document>]>([
  ['tenant', { tenant: 'other' }],
  ['metadata', { metadata: { kind: 'b' } }],
  ['model', { model: 'n' }],
  ['table', { table: 'public.ab' }],
  ['id', { documentId: 'helpcentre/public.a/2' }],
])('another %s makes all rows new and all old ones stale', (_, fields) => {
  const held = documentWith(['a', 'b']);
  const { added, visible, stale } = changeRows(0, held, { ...held, ...fields });
  expect([added.length, visible.length, stale.length]).toEqual([2, 2, 2]);
  expect(new Set([...stale, ...added].map(({ id }) => id)).size).toBe(4);
  // Where they stand, and not where the new ones do.
  expect(stale.map(({ tenant }) => tenant)).toEqual(['acme', 'acme']);
});

test('a marker, or a removal below a floor, leaves all rows stale; a marker after a marker nothing', () => {
  const held = documentWith(['a', 'b']);
  const marker: Document = { ...held, kind: 'deleted', chunks: [] };
  const stale = ids(held).map((id) => ({ id, tenant: 'acme' }));
  expect(changeRows(0, held, marker)).toMatchObject({ added: [], visible: [], stale });
  expect(changeRows(0, held, undefined)).toMatchObject({ added: [], visible: [], stale });
  expect(changeRows(0, marker, undefined)).toEqual({ added: [], visible: [], stale: [] });
});

test('rows carry tenant, vector and tags; a name and a value cannot be moved over their border', () => {
  const { added } = changeRows(0, undefined, documentWith(['a']));
  expect(added[0]).toMatchObject({
    tenant: 'acme',
    tags: ['kind=a', 'source=helpcentre', 'table=public.a'],
    vector: Float32Array.of(1, 0),
  });
  const one = documentWith(['a'], { metadata: { a: 'b", "c=d' } });
  const two = documentWith(['a'], { metadata: { a: 'b', c: 'd' } });
  expect(rowIdOf(one, 'a')).not.toBe(rowIdOf(two, 'a'));
});

test("a row's own source and table win over metadata of that name", () => {
  expect(tagsOf(documentWith([], { metadata: { source: 'forged', table: 'forged' } }))).toEqual([
    'source=helpcentre',
    'table=public.a',
  ]);
});
