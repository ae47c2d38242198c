/** Outcomes of a batch → what is appended where, and how each change is counted (I7). */
import { expect, test } from 'vitest';
import type { ChangeToPrepare } from '../../../pipelines/index-documents/prepare-changes.ts';
import type { DeadLetter, Document, Quarantined } from '../../../schemas/records.ts';
import {
  deleteAt,
  holding,
  outcomesOfRecords,
  planOf,
  prepareSettings,
  recordAt,
  toPrepare,
  truncateAt,
  upsertAt,
} from './changes.ts';

const planned = async (changes: readonly ChangeToPrepare[], maxRecordBytes?: number, held = holding()) =>
  planOf(await outcomesOfRecords(prepareSettings(), changes, held), maxRecordBytes);
const read = <Of>(value: Buffer | null | undefined): Of => JSON.parse(String(value)) as Of;

test('documents and markers go to the partition of their change, a floor to all of them', async () => {
  const plan = await planned(toPrepare([upsertAt(1), deleteAt(2), truncateAt(3)]));
  expect(plan.records.map(({ topic, partition }) => `${topic} ${partition}`)).toEqual(
    [2, 2, 0, 1, 2, 3].map((partition) => `freshet.documents ${partition}`),
  );
  expect(plan.records.map(({ value }) => read<Document>(value).kind)).toEqual([
    'document',
    'deleted',
    ...Array.from({ length: 4 }, () => 'floor'),
  ]);
  for (const { key, value } of plan.records) expect(key).toBe(read<Document>(value).documentId);
  // What the table of this partition remembers once the places are known.
  expect(plan.documents.map(({ at }) => at)).toEqual([0, 1, 4]);
  for (const { at, body } of plan.documents) expect(body).toEqual(plan.records[at]?.value?.subarray(1));
  expect(plan.counts).toEqual({ appended: 3, superseded: 0, dropped: 0, quarantined: 0, 'dead-lettered': 0 });
});

test('every change is counted exactly once', async () => {
  const changes: ChangeToPrepare[] = [
    ...toPrepare([
      upsertAt(5),
      upsertAt(4),
      { ...upsertAt(6), table: 'public.other' },
      upsertAt(7, { body: ' ' }),
    ]),
    { record: recordAt(9), source: 'shop', read: { kind: 'unreadable', reason: 'not-avro', message: 'm' } },
  ];
  const { counts, refusals } = await planned(changes);
  expect(counts).toEqual({ appended: 1, superseded: 1, dropped: 1, quarantined: 1, 'dead-lettered': 1 });
  expect(refusals).toEqual([{ gate: 'required' }]);
});

test('a refused change leaves a marker where its document would be, and a quarantine record without its text', async () => {
  const plan = await planned(toPrepare([upsertAt(3, { body: `secret ${'x'.repeat(500)}` })]));
  expect(plan.records.map(({ topic }) => topic)).toEqual(['freshet.documents']);
  // In a send of its own, before the marker: once that stands, nobody would write this.
  expect(plan.refused.map(({ topic }) => topic)).toEqual(['freshet.quarantine']);
  expect(read<Document>(plan.records[0]?.value)).toMatchObject({
    kind: 'refused',
    text: '',
    chunks: [],
    tenant: 'acme',
  });
  expect(read<Quarantined>(plan.refused[0]?.value)).toMatchObject({
    documentId: 'shop/public.a/1',
    gate: 'length',
    reason: 'too-many-characters',
    change: { topic: 'cdc.shop', partition: 2, offset: 0 },
    at: 99,
  });
  expect(String(plan.refused[0]?.value)).not.toContain('secret');
});

test('a document whose record would be too large is refused by its size in bytes, with a marker in its place', async () => {
  const whole = await planned(toPrepare([upsertAt(1)]));
  const { key, value } = whole.records[0] ?? {};
  // Its id is the record's key, and stands in a header.
  const bytes = (value?.length ?? 0) + 2 * (key?.length ?? 0);
  expect((await planned(toPrepare([upsertAt(1)]), bytes)).counts).toMatchObject({
    appended: 1,
    quarantined: 0,
  });
  const plan = await planned(toPrepare([upsertAt(1)]), bytes - 1);
  expect(plan.counts).toMatchObject({ appended: 0, quarantined: 1 });
  expect(plan.refusals).toEqual([{ gate: 'length' }]);
  const [marker] = plan.records;
  const [quarantined] = plan.refused;
  expect(read<Document>(marker?.value)).toMatchObject({
    kind: 'refused',
    chunks: [],
    text: '',
    reason: 'length: too-many-bytes',
  });
  expect(marker?.value?.length).toBeLessThan(bytes);
  expect(read<Quarantined>(quarantined?.value).detail).toContain(String(bytes));
  expect(plan.documents.map(({ record }) => record.kind)).toEqual(['refused']);
});

test('what was too large for its topic is not kept by the next refusal of its batch, which would be too large again', async () => {
  const sizes = async (changes: ReturnType<typeof upsertAt>[], limit?: number, held = holding()) => {
    const plan = await planned(toPrepare(changes), limit, held);
    return {
      plan,
      bytes: plan.records.map(({ key, value }) => (value?.length ?? 0) + 2 * (key?.length ?? 0)),
    };
  };
  const good = upsertAt(1, { body: 'Good.' });
  const large = [upsertAt(2, { body: 'Large. '.repeat(60) }), upsertAt(3, { body: 'Large! '.repeat(60) })];
  const [least = 0] = (await sizes([good])).bytes;
  const limit = least + 300;
  for (const second of [large[1], upsertAt(3, { body: 'x'.repeat(501) })]) {
    if (!large[0] || !second) throw new Error('two large changes');
    const { plan, bytes } = await sizes([good, large[0], second], limit);
    expect(Math.max(...bytes)).toBeLessThanOrEqual(limit);
    expect(plan.counts).toMatchObject({ appended: 1, quarantined: 2 });
    // What was good before them stays.
    expect(plan.documents.map(({ record }) => `${record.kind} ${record.text}`)).toEqual([
      ...['document Good.', 'refused Good.', 'refused Good.'],
    ]);
  }
  // Nothing is kept that a marker has no room for, as when the limit was lowered.
  const held = holding((await sizes([good])).plan.documents[0]?.record as Document);
  const { plan } = await sizes([upsertAt(2, { body: 'x'.repeat(501) })], least - 1, held);
  expect(plan.documents.map(({ record }) => record)).toMatchObject([
    { kind: 'refused', text: '', stale: null },
  ]);
});

test('what cannot be read becomes a dead letter with its origin, its bytes only while they are few', async () => {
  const unreadable = (value: Buffer): ChangeToPrepare => ({
    record: recordAt(9, { value, key: null }),
    source: 'shop',
    read: { kind: 'unreadable', reason: 'null-key', message: 'no key' },
  });
  const plan = await planned([unreadable(Buffer.alloc(10, 1)), unreadable(Buffer.alloc(5_000_000))]);
  const [small, large] = plan.refused.map(({ value }) => read<DeadLetter>(value));
  expect(plan.refused.map(({ topic, key }) => `${topic} ${key}`)).toEqual([
    'freshet.dead-letters cdc.shop:2:9',
    'freshet.dead-letters cdc.shop:2:9',
  ]);
  expect(small).toMatchObject({
    origin: { topic: 'cdc.shop', partition: 2, offset: 9 },
    stage: 'receiving',
    reason: 'null-key',
    valueBytes: 10,
    key: null,
  });
  expect(small?.value).not.toBeNull();
  expect(large).toMatchObject({ value: null, valueBytes: 5_000_000 });
});
