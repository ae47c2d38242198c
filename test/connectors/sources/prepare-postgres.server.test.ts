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
  const edit = () => client.query(`UPDATE ${name} SET body = 'second' WHERE id = 1`);
  await edit();

  await client.query(change);
  expect((await planned()).tables.map((each) => each.table.name)).toContain(table);
  await prepare(table);
  await edit();
  await client.query(`DELETE FROM ${name}`);
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
