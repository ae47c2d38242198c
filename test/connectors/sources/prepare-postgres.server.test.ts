/** What a start does to a database that is somebody's: their own updates and deletes work as before. */
import { Client } from 'pg';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { planInit } from '../../../cli/init/plan-init.ts';
import { prepareCapture } from '../../../cli/start/prepare-sources.ts';
import { POSTGRES } from '../../../connectors/sources/postgres/postgres-kind.ts';
import { mapTable, parseConfig, type Row } from '../../../schemas/config.ts';

const SOURCE = 'prepared';
let client: Client;
let url: string;

beforeAll(async () => {
  const { postgres } = inject('stack');
  const admin = new Client({ connectionString: postgres.url });
  await admin.connect();
  await admin.query('CREATE DATABASE prepared');
  await admin.end();
  url = postgres.url.replace(/postgres$/, 'prepared');
  client = new Client({ connectionString: url });
  await client.connect();
  // Of the user freshet it begins with the schema freshet, once there is one.
  await client.query('SET search_path = public');
});
afterAll(() => client?.end());

const prepare = (table: string) => POSTGRES.prepare({ source: SOURCE, url, tables: [table] });
const shapes = (table: string) => POSTGRES.shapes({ source: SOURCE, url }, [table]);
const planned = async () => planInit(await POSTGRES.survey({ source: SOURCE, url }), []);

test.each([
  [
    'a replica identity of nothing',
    'silent',
    'CREATE TABLE silent (id int PRIMARY KEY, body text); ALTER TABLE silent REPLICA IDENTITY NOTHING',
    'ALTER TABLE silent REPLICA IDENTITY DEFAULT;',
  ],
  [
    'a key that is checked at commit alone',
    'late',
    'CREATE TABLE late (id int PRIMARY KEY DEFERRABLE, body text)',
    'ALTER TABLE late REPLICA IDENTITY FULL;',
  ],
  [
    'an index other than the key',
    'indexed',
    `CREATE TABLE indexed (id int PRIMARY KEY, body text NOT NULL UNIQUE);
     ALTER TABLE indexed REPLICA IDENTITY USING INDEX indexed_body_key`,
    'ALTER TABLE indexed REPLICA IDENTITY DEFAULT;',
  ],
  [
    'an index that includes the key, which the log then does not carry,',
    'included',
    `CREATE TABLE included (id int PRIMARY KEY, body text NOT NULL);
     CREATE UNIQUE INDEX included_body ON included (body) INCLUDE (id);
     ALTER TABLE included REPLICA IDENTITY USING INDEX included_body`,
    'ALTER TABLE included REPLICA IDENTITY DEFAULT;',
  ],
  [
    'a partition without an identity',
    'parted',
    `CREATE TABLE parted (id int PRIMARY KEY, body text) PARTITION BY RANGE (id);
     CREATE TABLE parted_one PARTITION OF parted FOR VALUES FROM (0) TO (9);
     ALTER TABLE parted_one REPLICA IDENTITY NOTHING`,
    'ALTER TABLE parted_one REPLICA IDENTITY DEFAULT;',
  ],
])('%s is refused before it is published, and mapped once it is mended', async (_, name, made, change) => {
  const table = `public.${name}`;
  await client.query(made);
  await client.query(`INSERT INTO ${name} VALUES (1, 'first')`);
  await expect(prepare(table)).rejects.toMatchObject({
    code: 'config-invalid',
    message: expect.stringContaining(change),
  });
  const plan = await planned();
  expect(plan.findings).toContainEqual(
    expect.objectContaining({ check: 'replica-identity', table, ok: false, change }),
  );
  expect(plan.leftOut.map((each) => each.table)).toContain(table);
  // A running source pauses it alone.
  expect((await shapes(table)).has(table)).toBe(false);
  const edit = () => client.query(`UPDATE ${name} SET body = 'second' WHERE id = 1`);
  await edit();

  await client.query(change);
  expect((await planned()).tables.map((each) => each.table.name)).toContain(table);
  expect((await shapes(table)).has(table)).toBe(true);
  await prepare(table);
  await edit();
  await client.query(`DELETE FROM ${name}`);
});

test('an index that names more than the key is an identity: the log carries the whole key', async () => {
  await client.query(
    `CREATE TABLE owned (id int PRIMARY KEY, tenant text NOT NULL, body text);
     CREATE UNIQUE INDEX owned_tenant ON owned (tenant, id);
     ALTER TABLE owned REPLICA IDENTITY USING INDEX owned_tenant;
     INSERT INTO owned VALUES (1, 'acme', 'first')`,
  );
  await prepare('public.owned');
  expect((await shapes('public.owned')).has('public.owned')).toBe(true);
  expect((await planned()).tables.map((each) => each.table.name)).toContain('public.owned');
  await client.query("SELECT pg_create_logical_replication_slot('owned_slot', 'test_decoding')");
  try {
    await client.query('DELETE FROM owned');
    const { rows } = await client.query<{ data: string }>(
      "SELECT data FROM pg_logical_slot_peek_changes('owned_slot', NULL, NULL)",
    );
    expect(rows.map(({ data }) => data)).toContain(
      "table public.owned: DELETE: id[integer]:1 tenant[text]:'acme'",
    );
  } finally {
    await client.query("SELECT pg_drop_replication_slot('owned_slot')");
  }
});

test('tables that inherit from one that is captured are not published with it', async () => {
  await client.query(
    'CREATE TABLE parent (id int PRIMARY KEY, body text); CREATE TABLE child () INHERITS (parent)',
  );
  await client.query("INSERT INTO child VALUES (1, 'first')");
  await prepare('public.parent');
  await client.query("UPDATE child SET body = 'second'");
  await client.query('DELETE FROM child');
});

test('generated columns are mapped by nobody, as no change carries them, and a mapping that reads one ends the start', async () => {
  await client.query(
    `CREATE TABLE made (id int PRIMARY KEY, title text, body text,
       shown text GENERATED ALWAYS AS (title || ': ' || body) STORED)`,
  );
  const found = (await planned()).tables.find((each) => each.table.name === 'public.made');
  expect(found?.table.columns.map(({ name }) => name)).toEqual(['id', 'title', 'body']);
  const start = (text: (row: Row) => string) =>
    prepareCapture(
      parseConfig({
        sources: {
          [SOURCE]: {
            ...{ kind: 'postgres', url },
            tables: { 'public.made': mapTable({ title: () => '', text, tenant: () => 'a' }) },
          },
        },
        agents: [],
      }),
      '',
    );
  await expect(start((row) => String(row.shown))).rejects.toMatchObject({
    code: 'config-invalid',
    message: expect.stringContaining('the column shown, which is generated'),
  });
  await start((row) => String(row.body));
});
