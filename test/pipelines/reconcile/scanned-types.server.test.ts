/** A row scanned for comparing makes the same document as its change by Debezium, whatever the types of its columns. */
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { createHashEmbeddingModel } from '../../../connectors/models/embedding/hash-embedding-model.ts';
import { POSTGRES } from '../../../connectors/sources/postgres/postgres-kind.ts';
import { openPostgresScan } from '../../../connectors/sources/postgres/scan-postgres.ts';
import { reconcileTable } from '../../../pipelines/reconcile/reconcile-table.ts';
import { mapTable, parseConfig } from '../../../schemas/config.ts';
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

let plane: DataPlane;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let pipeline: Awaited<ReturnType<typeof startPipeline>>;
let index: Awaited<ReturnType<typeof startIndex>>;
let tracker: Awaited<ReturnType<typeof startTracking>>;

beforeAll(async () => {
  folder = await temporaryFolder();
  const opened = await openDataPlane(inject('stack'), SOURCE);
  const [table] = Object.values(opened.config.sources[SOURCE]?.tables ?? {});
  plane = {
    ...opened,
    config: parseConfig({
      ...opened.config,
      sources: {
        [SOURCE]: {
          ...opened.config.sources[SOURCE],
          tables: {
            [TABLE]: mapTable({ ...table, title: () => 'types', text: asText, tenant: () => 'acme' }),
          },
        },
      },
    } as never),
  };
  await plane.client.query(`ALTER TABLE articles
    ADD d date, ADD t time, ADD t3 time(3), ADD ts timestamp, ADD ts3 timestamp(3), ADD tz timestamptz, ADD tz3 timestamptz(3), ADD tz0 timestamptz(0),
    ADD n numeric(10, 2), ADD j jsonb, ADD u uuid, ADD b boolean, ADD f float8, ADD bytes bytea, ADD small smallint`);
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
  const scanner = openPostgresScan(plane.url);
  try {
    for (const id of [1, 2, 3])
      await until('indexed', () => index.document(documentIdOf(SOURCE, TABLE, { id })));
    const report = await reconcileTable({
      ...{ source: SOURCE, table: TABLE, scanner, index },
      prepare: comparing(plane.config, model),
      currentPosition: () => POSTGRES.currentPosition(plane.url),
      pauseMs: 0,
      onProgress: () => undefined,
    });
    for (const id of [1, 2, 3]) {
      const [row] = await scanner.rows(TABLE, [[String(id)]]);
      const text = (await index.document(documentIdOf(SOURCE, TABLE, { id })))?.record.text;
      expect(JSON.parse(text ?? '')).toEqual(JSON.parse(asText(row?.row ?? {})));
    }
    expect(report).toMatchObject({ rows: 3, divergent: [], unsettled: [] });
  } finally {
    await scanner.close();
  }
}, 360_000);
