/** Which of two documents with one text is refused, where one goes, changes or stood before. */
import { expect, test } from 'vitest';
import type { Change } from '../../../connectors/debezium/change.ts';
import { batchLookalikes, type HeldLookalikes } from '../../../pipelines/index-documents/batch-lookalikes.ts';
import { documentIdOf, tablePrefixOf } from '../../../schemas/document-id.ts';
import { equalBits, sameText } from '../../../schemas/fingerprint.ts';
import type { GateOverrides } from '../../../schemas/gate-settings.ts';
import type { Document } from '../../../schemas/records.ts';
import { deleteAt, holding, recordsOf, settingsOf, truncateAt, upsertAt } from './changes.ts';

const lookalikesOf = (records: readonly Document[]): HeldLookalikes => ({
  find: (tenant, documentId, fingerprint, least, counts) => {
    const twin = records.find(
      (each) =>
        each.tenant === tenant &&
        each.documentId !== documentId &&
        each.fingerprint !== null &&
        (sameText(fingerprint, each.fingerprint) || equalBits(fingerprint, each.fingerprint) >= least) &&
        counts(each.documentId),
    );
    return twin && { documentId: twin.documentId, same: true };
  },
});

const QUARANTINE = { duplicates: { same: 'quarantine' } } as const;

/** What a batch makes where these records are held. */
const madeOf = (
  changes: readonly Change[],
  held: readonly Document[] = [],
  gates: GateOverrides = QUARANTINE,
): Promise<readonly Document[]> =>
  recordsOf(settingsOf(gates, { lookalikes: lookalikesOf(held) }), changes, holding(...held));
const kindsOf = (records: readonly Document[]) => records.map(({ kind }) => kind);

const TEXT = 'The same five words here.';
const OTHER = 'Another text of other words.';
const put = (at: number, id: string, body = TEXT): Change => upsertAt(at, { body }, { key: { id } });

test('a row that takes another key stays a document, in one batch', async () => {
  const held = await madeOf([put(1, '1')]);
  expect(kindsOf(await madeOf([deleteAt(2, '1'), put(3, '2')], held))).toEqual(['deleted', 'document']);
  expect(kindsOf(await madeOf([put(1, '1'), deleteAt(2, '1'), put(3, '2')]))).toEqual([
    ...['document', 'deleted', 'document'],
  ]);
});

test('texts that are swapped within a batch both stay', async () => {
  const held = await madeOf([put(1, '1'), put(2, '2', OTHER)]);
  expect(kindsOf(await madeOf([put(3, '1', 'In between.'), put(4, '2'), put(5, '1', OTHER)], held))).toEqual([
    ...['document', 'document', 'document'],
  ]);
});

test('a table that is truncated and filled again under other keys, in one batch', async () => {
  const held = await madeOf([put(1, '1')]);
  expect(kindsOf(await madeOf([truncateAt(2), put(3, '2')], held))).toEqual(['floor', 'document']);
  expect(kindsOf(await madeOf([put(1, '1'), truncateAt(2), put(3, '2'), put(4, '3')]))).toEqual([
    ...['document', 'floor', 'document', 'refused'],
  ]);
});

test('a table that is truncated lets go of its own documents alone, held and decided', () => {
  const tables = ['a', 'ab', 'a/b', 'b'] as const;
  const [own, ...others] = tables.map((table) => documentIdOf('shop', table, { id: '1' }));
  let counted: readonly string[] = [];
  const batch = batchLookalikes({
    find: (_tenant, _documentId, _fingerprint, _least, counts) => {
      counted = [own ?? '', ...others].filter(counts);
      return undefined;
    },
  });
  const fingerprint = Buffer.alloc(64, 1);
  const find = () => batch.besides(null).find('acme', 'shop/c/1', fingerprint, 0);
  batch.clear(tablePrefixOf('shop', 'a'));
  find();
  expect(counted).toEqual(others);
  for (const id of [own, ...others]) batch.decide(id ?? '', { tenant: 'acme', fingerprint });
  batch.clear(tablePrefixOf('shop', 'a'));
  expect(find()?.documentId).toBe(others[0]);
});

test('of two that stood when duplicates were flagged alone, one stays: in whatever order they are judged anew', async () => {
  const held = await madeOf([put(1, '1'), put(2, '2')], [], { duplicates: { same: 'flag' } });
  expect(held.map(({ flags }) => flags)).toEqual([[], ['duplicates: same-text']]);
  expect(kindsOf(await madeOf([put(3, '1'), put(4, '2')], held))).toEqual(['document', 'refused']);
  expect(kindsOf(await madeOf([put(3, '2'), put(4, '1')], held))).toEqual(['refused', 'document']);
  // In two partitions at the same moment.
  expect(kindsOf(await madeOf([put(3, '2')], held))).toEqual(['refused']);
  expect(kindsOf(await madeOf([put(4, '1')], held))).toEqual(['document']);
});

test('what was refused as a duplicate, and stays as it was before, is no reason to refuse another', async () => {
  const held = await madeOf([put(1, '1', OTHER), put(2, '2')]);
  const [refused] = await madeOf([put(3, '1')], held);
  expect(refused).toMatchObject({ kind: 'refused', text: OTHER, fingerprint: null });
  expect(kindsOf(await madeOf([put(4, '3', OTHER)], [...held.slice(1), refused as Document]))).toEqual([
    'document',
  ]);
});

test('a document is refused that takes on the text of one that stands, whatever their ids', async () => {
  const held = await madeOf([put(1, '2'), put(2, '1', OTHER)]);
  expect(kindsOf(await madeOf([put(3, '1')], held))).toEqual(['refused']);
});
