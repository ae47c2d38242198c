/** What a fresh-after read is told of a row that a gate refused. */
import { expect, test } from 'vitest';
import { createRecentRefusals } from '../../../pipelines/apply-index/recent-refusals.ts';
import type { Document } from '../../../schemas/records.ts';
import { recordOf } from '../document-histories.ts';

const refused = (key: number, version: number, fields: Partial<Document> = {}): Document => ({
  ...recordOf({ kind: 'refused', table: 'public.a', key }, version),
  ...{ tenant: 'acme', reason: 'secrets: token' },
  ...fields,
});
const keysOf = (refusals: ReturnType<typeof createRecentRefusals>, source = refused(1, 1).source) =>
  refusals.of('acme', source).map(({ documentId }) => documentId.split('/').at(-1));

test('newest first, of the tenant and source alone, until the document is mended', () => {
  const refusals = createRecentRefusals();
  refusals.applied([refused(1, 1), refused(2, 3), refused(3, 2), refused(4, 4, { tenant: 'brim' })]);
  expect(keysOf(refusals)).toEqual(['2', '3', '1']);
  expect(keysOf(refusals, 'other')).toEqual([]);
  expect(refusals.of('acme', refused(1, 1).source)[0]).toMatchObject({ gate: 'secrets', reason: 'token' });
  refusals.applied([{ ...refused(2, 5), kind: 'document' }]);
  expect(keysOf(refusals)).toEqual(['3', '1']);
});

test('what stood at a restart is told too, and gives way to what is applied', () => {
  const refusals = createRecentRefusals();
  refusals.applied([refused(1, 5, { reason: 'length: too-few-characters' })]);
  refusals.stood(refused(1, 2));
  refusals.stood(refused(2, 3));
  refusals.stood({ ...refused(3, 3), kind: 'document' });
  expect(keysOf(refusals)).toEqual(['1', '2']);
  expect(refusals.of('acme', refused(1, 1).source)[0]).toMatchObject({ gate: 'length' });
  refusals.applied([{ ...refused(2, 4), kind: 'deleted' }]);
  expect(keysOf(refusals)).toEqual(['1']);
});

test('it is bounded: the newest stay', () => {
  const refusals = createRecentRefusals(5);
  for (let at = 1; at <= 10; at += 1) refusals.stood(refused(at, at));
  expect(keysOf(refusals)).toEqual(['10', '9', '8', '7', '6']);
  const applied = createRecentRefusals(3);
  for (let at = 1; at <= 5; at += 1) applied.applied([refused(at, at)]);
  expect(keysOf(applied)).toEqual(['5', '4', '3']);
});
