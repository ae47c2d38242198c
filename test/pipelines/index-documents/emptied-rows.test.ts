/**
 * Rows that lost what a document is made of: `UPDATE t SET tenant = NULL`, or a column that the mapping cannot do without. One
 * of them keeps what was good before, by the table's policy; a burst of them pauses the table.
 */
import { expect, test } from 'vitest';
import { createVolumeWatch } from '../../../pipelines/gates/volume-state.ts';
import { pausedTables } from '../../../pipelines/index-documents/paused-tables.ts';
import type { Holdings, PrepareSettings } from '../../../pipelines/index-documents/prepare-changes.ts';
import { parseConfig, type Row } from '../../../schemas/config.ts';
import { documentIdOf } from '../../../schemas/document-id.ts';
import { isSearchable } from '../../../schemas/document-order.ts';
import type { GateOverrides } from '../../../schemas/gate-settings.ts';
import type { Document } from '../../../schemas/records.ts';
import { holding, outcomesOf, prepareSettings, recordsOf, upsertAt, versionAt } from './changes.ts';

const ROWS = 40;

const configOf = (gates: GateOverrides) =>
  parseConfig({
    sources: {
      shop: {
        kind: 'postgres',
        url: 'sample',
        tables: {
          'public.a': {
            title: (row: Row) => String(row.title),
            text: (row: Row) => (row.body as string).trim(),
            tenant: (row: Row) => row.tenant as string,
            gates,
          },
        },
      },
    },
    agents: [],
  });

const settings = (gates: GateOverrides = {}): PrepareSettings => ({
  ...prepareSettings(),
  config: configOf({ volume: { atLeast: 10, share: 0.5 }, ...gates }),
  volume: createVolumeWatch(() => ROWS),
});
const goodRecord = async (): Promise<Document> => {
  const [good] = await recordsOf(settings(), [upsertAt(1, { body: 'Good.' })]);
  if (!good) throw new Error('nothing was made');
  return good;
};
/** Every row once, changed alike. */
const everyRow = (position: number, row: Row = {}, read = false) =>
  Array.from({ length: ROWS }, (_, at) => upsertAt(position, row, { key: { id: String(at) }, read }));
const holdingAll = async (
  turn = 0,
): Promise<Holdings & { readonly pauses: NonNullable<Holdings['pauses']> }> => {
  const records = await recordsOf(settings(), everyRow(1));
  const turns = new Map([['shop/public.a', { paused: false, turn, marked: true, doubtedBefore: -1 }]]);
  return { ...holding(...records), pauses: pausedTables(turns) };
};
const searchableAfter = (held: Holdings, records: readonly Document[]): number => {
  const newest = new Map(records.map((record) => [record.documentId, record]));
  return Array.from({ length: ROWS }, (_, at) => documentIdOf('shop', 'public.a', { id: String(at) })).filter(
    (id) => {
      const record = newest.get(id) ?? held.newest(id);
      return record?.tenant === 'acme' && isSearchable(record);
    },
  ).length;
};

const EMPTIED: readonly (readonly [string, Row])[] = [
  ['the tenant becomes null', { tenant: null }],
  ['the tenant becomes empty', { tenant: '' }],
  ['the tenant is no tenant', { tenant: 'a\u0000b' }],
  ['the mapping fails on a text of null', { body: null }],
  ['the text becomes empty', { body: ' ' }],
];

test.each(EMPTIED)('a burst pauses the table where in every row %s; the rest is skipped', async (_, row) => {
  const held = await holdingAll();
  const outcomes = await outcomesOf(settings({ onRefusal: 'remove' }), everyRow(6, row), held);
  const dropped = outcomes.filter((each) => each.kind === 'dropped').length;
  expect(dropped).toBe(ROWS / 2 + 1);
  expect(held.pauses.found()).toMatchObject([
    { table: 'public.a', reason: expect.stringMatching(/^volume: 20/) },
  ]);
});

test('a burst of several kinds counts as one', async () => {
  const held = await holdingAll();
  const changes = everyRow(6).map((change, at) =>
    change.kind === 'upsert'
      ? { ...change, row: { ...change.row, ...EMPTIED[at % EMPTIED.length]?.[1] } }
      : change,
  );
  await outcomesOf(settings(), changes, held);
  expect(held.pauses.found()).toHaveLength(1);
});

test.each(EMPTIED.filter(([, row]) => row.tenant !== 'a\u0000b'))(
  'nothing is lost where %s: before the pause documents are kept for their tenant, after it they are left alone',
  async (_, row) => {
    const held = await holdingAll();
    expect(searchableAfter(held, await recordsOf(settings(), everyRow(6, row), held))).toBe(ROWS);
    const unpaused = await holdingAll();
    const off = { volume: { action: 'off' } } as const;
    expect(searchableAfter(unpaused, await recordsOf(settings(off), everyRow(6, row), unpaused))).toBe(ROWS);
  },
);

test('a row that names no tenant any more keeps what stood, through more refusals, until it passes', async () => {
  const held = holding(await goodRecord());
  const [first, second, third, fourth] = await recordsOf(
    settings(),
    [
      upsertAt(2, { tenant: null }),
      upsertAt(3, { body: null, tenant: null }),
      upsertAt(4, { body: null }),
      upsertAt(5, { body: 'Mended.' }),
    ],
    held,
  );
  const stale = { version: versionAt(1), since: 2, committedAt: 1 };
  const kept = { kind: 'refused', tenant: 'acme', text: 'Good.', stale };
  expect(first).toMatchObject({ ...kept, reason: 'schema: no-tenant' });
  expect(second).toMatchObject({ ...kept, reason: 'schema: mapping-failed' });
  expect(third).toMatchObject({ ...kept, reason: 'schema: mapping-failed' });
  expect(fourth).toMatchObject({ kind: 'document', text: 'Mended.', stale: null });
});

test('I9: a row that names another tenant keeps nothing, though the rest of its mapping fails', async () => {
  const held = holding(await goodRecord());
  const [moved] = await recordsOf(settings(), [upsertAt(2, { body: null, tenant: 'brim' })], held);
  expect(moved).toMatchObject({ kind: 'refused', tenant: 'brim', text: '', chunks: [], stale: null });
});

test('nothing is kept where the policy is to remove, nor from below a floor', async () => {
  const good = await goodRecord();
  const blank = { kind: 'refused', tenant: null, text: '', chunks: [], stale: null };
  const change = upsertAt(3, { tenant: null });
  expect(await recordsOf(settings({ onRefusal: 'remove' }), [change], holding(good))).toMatchObject([blank]);
  const floored = { ...holding(good), floor: () => versionAt(2) };
  expect(await recordsOf(settings(), [change], floored)).toMatchObject([blank]);
});

test('what is read of a table that somebody resumed is meant, and pauses it no second time', async () => {
  const resumed = await holdingAll(2);
  const outcomes = await outcomesOf(settings(), everyRow(6, { tenant: null }, true), resumed);
  expect(outcomes.map((each) => each.kind)).toEqual(Array(ROWS).fill('quarantined'));
  expect(resumed.pauses.found()).toEqual([]);
  // A source that is read anew by itself, and the changes of a table that was resumed, are counted.
  const anew = await holdingAll();
  await outcomesOf(settings(), everyRow(6, { tenant: null }, true), anew);
  expect(anew.pauses.found()).toHaveLength(1);
  const changed = await holdingAll(2);
  await outcomesOf(settings(), everyRow(6, { tenant: null }), changed);
  expect(changed.pauses.found()).toHaveLength(1);
});
