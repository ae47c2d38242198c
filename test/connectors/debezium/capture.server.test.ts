import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { preparePostgres } from '../../../connectors/sources/postgres/prepare-postgres.ts';
import { until } from '../../support/until.ts';
import type { Captured } from './captured.ts';
import { openSource } from './source-under-test.ts';

type Source = Awaited<ReturnType<typeof openSource>>;
type Capture = Awaited<ReturnType<Source['capture']>>;
let source: Source;
let capture: Capture;

const BIG = '9007199254740993';
const row = `('acme', ${BIG}, 'First', 12.5000, '2026-01-02 03:04:05.678901+00', '2026-01-02', '\\xff00', '{a,b}')`;

beforeAll(async () => {
  source = await openSource(inject('stack'), 'capture-test');
  await source.client.query(`INSERT INTO articles VALUES ${row}`);
  await source.connect.putConnector(source.names.connector, source.config);
  capture = await source.capture();
  await source.untilRunning();
});

afterAll(async () => {
  await source?.connect.deleteConnector(source.names.connector);
  await capture?.close();
  await source?.client.end();
});

const key = (id: string): string => `{"tenant":"acme","id":${id}}`;
const last = async (count: number) => (await capture.until((seen) => seen.length >= count)).slice(count - 1);

test('a row that was there before arrives by the snapshot', async () => {
  const [read, ...more] = await last(1);
  expect(more).toEqual([]);
  expect(read).toMatchObject({
    key: key(BIG),
    headers: { 'freshet-epoch': '7' },
    recordName: 'capture_test.public.articles.Envelope',
    value: { op: 'r', before: null, source: { schema: 'public', table: 'articles', db: 'capture_test' } },
  });
  expect(read?.value.after).toMatchObject({
    ...{
      tenant: 'acme',
      id: BigInt(BIG),
      title: 'First',
      price: '12.5000',
      day: '2026-01-02Z',
      tags: ['a', 'b'],
    },
    ...{ at: '2026-01-02T03:04:05.678901Z', picture: Buffer.from([0xff, 0x00]) },
  });
});

test('insert, update and delete keep to the partition of their key', async () => {
  await source.client.query(`INSERT INTO articles (tenant, id, title) VALUES ('acme', 2, 'Second')`);
  await source.client.query(`UPDATE articles SET title = 'Second, again' WHERE id = 2`);
  await source.client.query(`DELETE FROM articles WHERE id = 2`);
  const seen = await last(4).then(() => capture.changes().slice(1));
  expect(seen.map(({ value }) => value.op)).toEqual(['c', 'u', 'd']);
  expect(new Set(seen.map((record) => record.key))).toEqual(new Set([key('2')]));
  expect(new Set(seen.map(({ partition }) => partition)).size).toBe(1);
  expect(seen[1]?.value.after).toMatchObject({ title: 'Second, again' });
  expect(seen[2]?.value).toMatchObject({ after: null, before: { tenant: 'acme', id: 2n, title: null } });
});

test('a changed primary key is a delete under the old key and a create under the new, at one position', async () => {
  await source.client.query(`INSERT INTO articles (tenant, id, title) VALUES ('acme', 3, 'Third')`);
  await source.client.query(`UPDATE articles SET id = 4 WHERE id = 3`);
  const seen = await capture.until((all) => all.length >= 7);
  // Two keys, so maybe two partitions, which arrive in either order.
  const [deleted, created] = seen.slice(5).sort((a, b) => String(a.key).localeCompare(String(b.key)));
  expect(deleted).toMatchObject({ key: key('3'), value: { op: 'd' } });
  expect(created).toMatchObject({ key: key('4'), value: { op: 'c', after: { title: 'Third' } } });
  const position = (record: Captured | undefined) =>
    (record?.value.source as { readonly sequence: string } | undefined)?.sequence;
  expect(position(deleted)).toMatch(/\["\d+","\d+"\]/);
  expect(position(deleted)).toBe(position(created));
  expect(deleted?.headers).toHaveProperty('__debezium.newkey');
  expect(created?.headers).toHaveProperty('__debezium.oldkey');
});

test('TRUNCATE has neither key nor rows', async () => {
  await source.client.query('TRUNCATE articles');
  const [truncated] = await last(8);
  expect(truncated).toMatchObject({ key: null, value: { op: 't', before: null, after: null } });
  expect(truncated?.headers).toMatchObject({ 'freshet-epoch': '7' });
});

test("a quiet source's position moves on by heartbeats, which are no changes", async () => {
  const position = async (): Promise<bigint> => {
    const [first] = await source.connect.offsets(source.names.connector);
    const lsn = first?.offset?.lsn_commit ?? first?.offset?.lsn_proc;
    return typeof lsn === 'bigint' ? lsn : 0n;
  };
  const before = await position();
  await source.client.query('INSERT INTO other VALUES (1)');
  await until('it moves on', async () => (await position()) > before, { every: 100 });
  expect(capture.changes()).toHaveLength(8);
});

test('preparing again changes nothing; a table more is published', async () => {
  const first = await preparePostgres({ url: source.url, source: 'capture-test', tables: source.tables });
  expect(first).toMatchObject({ slotExists: true, slot: 'freshet_capture_test' });
  expect(first.systemIdentifier).toMatch(/^\d+$/);
  const published = async () =>
    (await source.client.query('SELECT tablename FROM pg_publication_tables ORDER BY 1')).rows;
  await preparePostgres({
    url: source.url,
    source: 'capture-test',
    tables: ['public.other', ...source.tables],
  });
  const own = [{ tablename: 'probe_capture_test' }, { tablename: 'signals_capture_test' }];
  expect(await published()).toEqual([{ tablename: 'articles' }, { tablename: 'other' }, ...own]);
  await preparePostgres({ url: source.url, source: 'capture-test', tables: source.tables });
  expect(await published()).toEqual([{ tablename: 'articles' }, ...own]);
});

test('what is wrong with a source is said before it is captured', async () => {
  const prepare = (tables: readonly string[]) =>
    preparePostgres({ url: source.url, source: 'capture-test', tables });
  await source.client.query('CREATE TABLE keyless (id int)');
  await expect(prepare(['public.nowhere'])).rejects.toMatchObject({ code: 'config-invalid' });
  await expect(prepare(['public.keyless'])).rejects.toMatchObject({ code: 'config-invalid' });
  const url = source.url.replace(/:\d+\//, ':1/');
  await expect(preparePostgres({ url, source: 'capture-test', tables: [] })).rejects.toMatchObject({
    code: 'source-unavailable',
  });
});

test("an invalid connector is refused with Connect's reasons", async () => {
  const { 'database.hostname': _, ...incomplete } = source.config;
  await expect(source.connect.putConnector('incomplete', incomplete)).rejects.toMatchObject({
    code: 'connector-invalid',
    message: expect.stringContaining('database.hostname'),
  });
});
