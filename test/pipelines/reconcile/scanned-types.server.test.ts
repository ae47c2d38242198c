/** A row scanned for comparing makes the same document as its change by Debezium, whatever the types of its columns. */
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { EmbeddingCache } from '../../../connectors/models/embedding/embedding-cache.ts';
import { createHashEmbeddingModel } from '../../../connectors/models/embedding/hash-embedding-model.ts';
import { POSTGRES } from '../../../connectors/sources/postgres/postgres-kind.ts';
import { openPostgresRows } from '../../../connectors/sources/postgres/postgres-rows.ts';
import { openPostgresScan } from '../../../connectors/sources/postgres/scan-postgres.ts';
import { type Divergent, reconcileTable } from '../../../pipelines/reconcile/reconcile-table.ts';
import { repairDocuments } from '../../../pipelines/reconcile/repair-documents.ts';
import { systemClock } from '../../../schemas/clock.ts';
import { type FreshetConfig, mapTable, parseConfig, type TableMapping } from '../../../schemas/config.ts';
import { documentIdOf } from '../../../schemas/document-id.ts';
import { comparing } from '../../support/comparing.ts';
import { type DataPlane, openDataPlane } from '../../support/indexed-source.ts';
import { startTracking } from '../../support/plane-freshness.ts';
import { startIndex, startPipeline, temporaryFolder } from '../../support/plane-roles.ts';
import { until } from '../../support/until.ts';

const SOURCE = 'scanned-types';
const TABLE = 'public.articles';
const model = createHashEmbeddingModel();
const asText = (row: object): string =>
  JSON.stringify(row, (_, value) => (typeof value === 'bigint' ? `${value}n` : value));

/** As `before` sees them by the snapshot, and as the others by the stream. */
const TYPED = `INSERT INTO articles (id, tenant, title, r, iv, m, h, mood, ci, ip, x, ttz, b1, bn, c5,
    texts, varchars, ints, bigs, smalls, bools, reals, doubles, numerics, uuids, jsons, dates, times, stamps,
    zoned, zoned3, byteas, moods, cis, hs, ips, oids, chars, grid, textgrid, bytegrid, moodgrid)
  VALUES ($1, 'acme', 't', 0.1, '1 year -2 mons 3 days -04:05:06.7', '-1234.5', $2, 'calm', 'Ci', '10.0.0.1/24', '<a/>', '14:03:06.5+02', '1', '101000000001', 'ab',
    $3, '{a,b}', '{1,NULL,-3}', '{9007199254740993,NULL}', '{1,2}', '{t,f,NULL}', '{0.1,NULL}', '{0.1,1e300}', '{1.50,NULL,0.10}',
    '{c0ffee00-0000-4000-8000-000000000001}', $4, '{2026-11-21,NULL}', '{14:03:06.5,14:03:06.1209,14:03:06.0001,00:00:00}', '{2026-11-21 14:03:06.5,2026-11-21 14:03:06}',
    '{2026-11-21 14:03:06.5+02,2026-11-21 14:03:06+00}', '{2026-11-21 14:03:06.5+02}', $5, '{calm,cross}', '{Ci,NULL}', $6, '{10.0.0.1}', '{7}', '{a}',
    '{{1,2},{3,4}}', '{{a,b},{c,d}}', '{{a},{b}}', '{{calm},{cross}}')`;
const pairs = Array.from({ length: 14 }, (_, at) => `key${at * 7}=>"v\u0001 ${at}"`);
const TYPED_VALUES = [
  [...pairs, 'none=>NULL', String.raw`"a \"quoted\" key"=>"back\\slash"`].join(','),
  ['red', 'blue, green', String.raw`a "quoted" \ {one}`, '', 'NULL', null, 'é\n'],
  ['{"a": 1}', 'null', null],
  [Buffer.from('dead', 'hex'), null],
  ['a=>1', null],
];

let plane: DataPlane;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let pipeline: Awaited<ReturnType<typeof startPipeline>>;
let index: Awaited<ReturnType<typeof startIndex>>;
let tracker: Awaited<ReturnType<typeof startTracking>>;

const configOf = (config: FreshetConfig, mapping: Partial<TableMapping>): FreshetConfig => {
  const source = config.sources[SOURCE];
  const [table] = Object.values(source?.tables ?? {});
  const tables = {
    [TABLE]: mapTable({ ...table, title: () => 'types', text: asText, tenant: () => 'acme', ...mapping }),
  };
  return parseConfig({ ...config, sources: { [SOURCE]: { ...source, tables } } } as never);
};

beforeAll(async () => {
  folder = await temporaryFolder();
  const opened = await openDataPlane(inject('stack'), SOURCE);
  plane = { ...opened, config: configOf(opened.config, {}) };
  await plane.client.query(
    `CREATE EXTENSION hstore; CREATE EXTENSION citext; CREATE TYPE mood AS ENUM ('calm', 'cross')`,
  );
  await plane.client.query(`ALTER TABLE articles
    ADD d date, ADD t time, ADD t3 time(3), ADD ts timestamp, ADD ts3 timestamp(3), ADD tz timestamptz, ADD tz3 timestamptz(3), ADD tz0 timestamptz(0),
    ADD n numeric(10, 2), ADD j jsonb, ADD u uuid, ADD b boolean, ADD f float8, ADD bytes bytea, ADD small smallint,
    ADD r real, ADD iv interval, ADD m money, ADD h hstore, ADD mood mood, ADD ci citext, ADD ip inet, ADD x xml, ADD ttz timetz,
    ADD b1 bit(1), ADD bn bit(12), ADD vb varbit(40), ADD c5 char(5),
    ADD texts text[], ADD varchars varchar(20)[], ADD ints int[], ADD bigs bigint[], ADD smalls smallint[], ADD bools boolean[], ADD reals real[], ADD doubles float8[],
    ADD numerics numeric(10, 2)[], ADD uuids uuid[], ADD jsons jsonb[], ADD dates date[], ADD times time[], ADD stamps timestamp[], ADD zoned timestamptz[],
    ADD zoned3 timestamptz(3)[], ADD byteas bytea[], ADD moods mood[], ADD cis citext[], ADD hs hstore[], ADD ips inet[], ADD oids oid[], ADD chars char(3)[],
    ADD grid int[], ADD textgrid text[], ADD bytegrid bytea[], ADD moodgrid mood[]`);
  await plane.client.query(TYPED, [4, ...TYPED_VALUES]);
  pipeline = await startPipeline(plane, folder.path);
  index = await startIndex(plane, folder.path);
  tracker = await startTracking(plane);
  await plane.capture();
}, 360_000);

afterAll(async () => {
  await tracker?.stop();
  await pipeline?.stop();
  await index?.stop();
  await plane?.close();
  await folder?.remove();
});

test('no difference is found where none is', async () => {
  const values = `'a', 'x', 7, '2026-11-21', '14:03:06.5', '14:03:06.120', '2026-11-21 14:03:06.000001', '2026-11-21 14:03:06',
    '2026-11-21 14:03:06.25+02', 1234.50, '{"b": [1, 2.50], "a": null}', 'c0ffee00-0000-4000-8000-000000000001', true, 0.1, '\\xdeadbeef', -3, '2026-11-21 14:03:06.2+00', '2026-11-21 14:03:06+00'`;
  const columns = 'category, body, views, d, t, t3, ts, ts3, tz, n, j, u, b, f, bytes, small, tz3, tz0';
  await plane.client.query(
    `INSERT INTO articles (id, tenant, title, ${columns}) VALUES (1, 'acme', 't', ${values})`,
  );
  await plane.client.query(`INSERT INTO articles (id, tenant, title) VALUES (2, 'acme', 't')`);
  await plane.client.query(`INSERT INTO articles (id, tenant, title, tz, tz3, ts, ts3, t) VALUES (3, 'acme', 't',
    '2026-11-21 14:03:06+00', '2026-11-21 14:03:06+00', '2026-11-21 14:03:00', '0099-01-01 00:00:00', '00:00')`);
  await plane.client.query(TYPED, [5, ...TYPED_VALUES]);
  await plane.client.query(`INSERT INTO articles (id, tenant, title, iv, m, h, texts, ints, ttz, vb) VALUES
    (6, 'acme', 't', '0', '1234567.89', '', '{}', '[0:1]={5,6}', '24:00:00+00', '1010000000000000000'),
    (7, 'acme', 't', '00:00:00.000001', '0', NULL, NULL, NULL, '23:30:00-02', '000')`);
  await plane.client.query(`INSERT INTO articles (id, tenant, title, ttz, d, ts, tz, dates, stamps, zoned) VALUES
    (8, 'acme', 't', '14:03:00.120+00', 'infinity', 'infinity', 'infinity', '{infinity}', '{infinity}', '{infinity}'),
    (9, 'acme', 't', NULL, '-infinity', '-infinity', '-infinity', '{-infinity}', '{-infinity}', '{-infinity}')`);
  const ids = [1, 2, 3, 4, 5, 6, 7, 8, 9];
  const scanner = openPostgresScan(plane.url);
  try {
    for (const id of ids) await until('indexed', () => index.document(documentIdOf(SOURCE, TABLE, { id })));
    const report = await reconcileTable({
      ...{ source: SOURCE, table: TABLE, scanner, index },
      prepare: comparing(plane.config, model),
      currentPosition: () => POSTGRES.currentPosition(plane.url),
      pauseMs: 0,
      onProgress: () => undefined,
    });
    for (const id of ids) {
      const [row] = await scanner.rows(TABLE, [[String(id)]]);
      const text = (await index.document(documentIdOf(SOURCE, TABLE, { id })))?.record.text;
      expect(JSON.parse(text ?? '')).toEqual(JSON.parse(asText(row?.row ?? {})));
    }
    expect(report).toMatchObject({ rows: ids.length, divergent: [], unsettled: [] });
  } finally {
    await scanner.close();
  }
}, 360_000);

test('a mapping that fails on a scanned row says nothing against its document, and nothing is mended', async () => {
  const id = documentIdOf(SOURCE, TABLE, { id: 1 });
  const failing = configOf(plane.config, {
    text: () => {
      throw new TypeError('row.tags.join is not a function');
    },
  });
  const handed: Divergent[] = [];
  const scanner = openPostgresScan(plane.url);
  try {
    const held = await until('described', async () => (await index.describe([id]))[0]);
    const report = await reconcileTable({
      ...{ source: SOURCE, table: TABLE, scanner, index },
      prepare: comparing(failing, model),
      currentPosition: () => POSTGRES.currentPosition(plane.url),
      pauseMs: 0,
      onProgress: () => undefined,
      repair: async (found) => handed.push(...found),
    });
    expect(report).toMatchObject({ rows: 9, divergent: [], repaired: 0 });
    expect(report.unsettled).toContain(id);
    expect(report.unsettled).toHaveLength(9);
    expect(handed).toEqual([]);
    // Nor where the mapping begins to fail between comparing and mending.
    const [row] = await scanner.rows(TABLE, [['1']]);
    const mended = await repairDocuments(
      {
        ...{
          source: SOURCE,
          table: TABLE,
          epoch: 1,
          readAt: systemClock(),
          index,
          writer: plane.writer,
          codec: plane.codec,
        },
        prepare: comparing(failing, model),
        embed: { embedding: new EmbeddingCache({ model, maxBytes: 1_000_000 }), model, clock: systemClock },
      },
      [{ documentId: id, divergence: 'extra', held, row, floor: null }],
    );
    expect(mended).toBe(0);
  } finally {
    await scanner.close();
  }
}, 360_000);

test('keys of bytes are as their changes have them, page by page and one by one', async () => {
  await plane.client.query(
    'CREATE TABLE public.tokens (id bytea, part int, text text, PRIMARY KEY (id, part))',
  );
  const ids = ['00ff', 'c3a9', 'deadbeef', ''].map((hex) => Buffer.from(hex, 'hex'));
  for (const [at, id] of ids.entries())
    await plane.client.query('INSERT INTO public.tokens VALUES ($1, $2, $3)', [id, at, `text ${at}`]);
  const scan = openPostgresScan(plane.url);
  const rows = openPostgresRows(plane.url);
  try {
    const seen: string[] = [];
    let after: Readonly<Record<string, unknown>> | undefined;
    for (let pages = 0; pages < 9; pages += 1) {
      const page = await scan.page('public.tokens', after as never, 1);
      if (page.length === 0) break;
      seen.push(...page.map(({ key }) => String(key.id)));
      after = page.at(-1)?.key;
    }
    expect(seen.toSorted()).toEqual(ids.map((id) => id.toString('base64')).toSorted());
    const found = await scan.rows('public.tokens', [
      ['wu8=', '1'],
      ['w6k=', '1'],
      ['3q2+7w==', '2'],
    ]);
    expect(found.map(({ row }) => row.text).toSorted()).toEqual(['text 1', 'text 2']);
    expect(await rows.read('public.tokens', { id: '3q2+7w==', part: 2 })).toMatchObject({ text: 'text 2' });
    // No row can have such a key: asking again would hold up the partition for ever.
    await expect(rows.read('public.tokens', { id: '3q2+7w==', part: 'x' })).rejects.toMatchObject({
      code: 'table-unreadable',
    });
    await plane.client.query(
      'CREATE TABLE public.prices (id int, until timestamp, text text, PRIMARY KEY (id, until))',
    );
    await plane.client.query(
      `INSERT INTO public.prices VALUES (1, 'infinity', 'now'), (1, '2020-01-01', 'then')`,
    );
    const [last] = (await scan.page('public.prices', undefined, 9)).filter(({ row }) => row.text === 'now');
    expect(await rows.read('public.prices', last?.key ?? {})).toMatchObject({ text: 'now' });
    expect(await scan.page('public.prices', last?.key, 9)).toEqual([]);
  } finally {
    await scan.close();
    await rows.close();
  }
});
