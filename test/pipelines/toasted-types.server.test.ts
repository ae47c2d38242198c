/** Fault 16 beyond text: an update of another column beside large values of other types, on real servers. */
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { UNAVAILABLE } from '../../connectors/debezium/change.ts';
import { mapTable, parseConfig, type Row } from '../../schemas/config.ts';
import { documentIdOf } from '../../schemas/document-id.ts';
import { type DataPlane, openDataPlane } from '../support/indexed-source.ts';
import { startIndex, startPipeline, temporaryFolder } from '../support/plane-roles.ts';
import { until } from '../support/until.ts';

const SOURCE = 'toasted-types';
const TABLE = 'public.articles';
const COLUMNS = 'tags, picture, numbers, bigs, pictures, uuids, attributes, codes, moments, days';

/** Made of unsent columns alone, so taken from the last record; the text is made of all, so the row is read. */
const ofUnsent = ({ tags, picture }: Row): string =>
  `${(tags as readonly string[]).length} ${(tags as readonly string[]).at(-1)} ${(picture as Uint8Array).length}`;
const asText = (row: Row): string =>
  JSON.stringify(row, (_, value) => (typeof value === 'bigint' ? `${value}n` : value));

let plane: DataPlane;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let pipeline: Awaited<ReturnType<typeof startPipeline>>;
let index: Awaited<ReturnType<typeof startIndex>>;

beforeAll(async () => {
  folder = await temporaryFolder();
  const opened = await openDataPlane(inject('stack'), SOURCE);
  const mapping = mapTable({
    title: ofUnsent,
    text: asText,
    tenant: ({ tenant }) => String(tenant),
    metadata: ({ moments }) => ({ moments: Array.isArray(moments) ? moments.length : null }),
    gates: { maxTextCharacters: 1_000_000 },
  });
  plane = {
    ...opened,
    config: parseConfig({
      ...opened.config,
      sources: { [SOURCE]: { ...opened.config.sources[SOURCE], tables: { [TABLE]: mapping } } },
    } as never),
  };
  await plane.client.query('CREATE EXTENSION hstore');
  await plane.client.query(`ALTER TABLE articles ADD tags text[], ADD picture bytea, ADD numbers int[], ADD bigs bigint[],
    ADD pictures bytea[], ADD uuids uuid[], ADD attributes hstore, ADD codes varchar(60)[], ADD moments float8[], ADD days date[]`);
  for (const column of COLUMNS.split(', '))
    await plane.client.query(`ALTER TABLE articles ALTER ${column} SET STORAGE EXTERNAL`);
  pipeline = await startPipeline(plane, folder.path);
  index = await startIndex(plane, folder.path);
  await plane.capture();
}, 360_000);

afterAll(async () => {
  await pipeline?.stop();
  await index?.stop();
  await plane?.close();
  await folder?.remove();
});

const id = documentIdOf(SOURCE, TABLE, { id: '1' });
const record = async () => (await index.document(id))?.record;
const rowOf = (text: string | undefined): Record<string, unknown> => JSON.parse(text ?? '{}');

test('16: lists, bytes and pairs that an update leaves alone are kept, of the types that they came with', async () => {
  await plane.client.query(
    `INSERT INTO articles (id, tenant, title, category, ${COLUMNS}) VALUES (1, 'acme', 't', 'a', $1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [
      Array.from({ length: 300 }, (_, at) => `tag number ${at}`),
      Buffer.alloc(4_000, 7),
      Array.from({ length: 1_000 }, (_, at) => at),
      Array.from({ length: 1_000 }, (_, at) => String(9_007_199_254_740_993n + BigInt(at))),
      Array.from({ length: 5 }, () => Buffer.alloc(1_000, 9)),
      Array.from({ length: 200 }, (_, at) => `c0ffee00-0000-4000-8000-${String(at).padStart(12, '0')}`),
      Array.from({ length: 200 }, (_, at) => `key${at}=>"value of ${at}"`).join(','),
      Array.from({ length: 300 }, (_, at) => `code number ${at}`),
      Array.from({ length: 1_000 }, (_, at) => at / 8),
      Array.from({ length: 1_000 }, () => '2026-11-22'),
    ],
  );
  await until('inserted', async () => (await record())?.kind === 'document');
  const before = await record();
  const inserted = rowOf(before?.text);
  expect(inserted).toMatchObject({ picture: { data: Buffer.alloc(4_000, 7).toJSON().data } });
  expect(before?.title).toBe('300 tag number 299 4000');
  expect(pipeline.rowsRead).toEqual([]);

  await plane.client.query(`UPDATE articles SET category = 'b' WHERE id = 1`);
  await until('updated', async () => (await record())?.version !== before?.version);
  const after = await record();
  const updated = rowOf(after?.text);
  expect(after).toMatchObject({ kind: 'document', title: before?.title });
  expect(after?.text).not.toContain(UNAVAILABLE);
  expect(updated).toEqual({ ...inserted, category: 'b' });
  expect(pipeline.rowsRead).toEqual(['1']);

  // Of a list of numbers null is sent, whether it was left alone or set to null: the row says which.
  expect(after?.metadata).toEqual({ moments: '1000' });
  await plane.client.query('UPDATE articles SET moments = NULL WHERE id = 1');
  await until('emptied', async () => (await record())?.version !== after?.version);
  expect((await record())?.metadata).toEqual({});
  expect(rowOf((await record())?.text)).toEqual({ ...updated, moments: null });
}, 360_000);
