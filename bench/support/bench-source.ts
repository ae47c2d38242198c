/** The Postgres that every system of a side-by-side bench reads: one server, a database made anew for each of them. */
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { cacheDirectoryOf } from '../../connectors/stack/cache-directory.ts';
import { startStack } from '../../connectors/stack/start-stack.ts';
import { EDITED_TABLE, editedRow } from './edit-mix.ts';

export interface BenchSource {
  /** A new database with `rows` rows of the edit mix at revision 0; gives its URL. The one before is dropped. */
  fill(rows: number, replicaIdentity: 'default' | 'full'): Promise<string>;
  /** Drops the database, its replication slots too: whoever read it has been stopped. */
  empty(): Promise<void>;
  stop(): Promise<void>;
}

const DATABASE = 'peers';
const ROWS_A_STATEMENT = 1_000;
const SLOT_TRIES = 50;
const SLOT_PAUSE_MS = 200;

const withClient = async <T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
};

/** A slot whose reader has just gone stays active for a moment. */
const dropSlots = async (client: pg.Client): Promise<void> => {
  for (let tried = 0; tried < SLOT_TRIES; tried += 1) {
    await client.query(
      'select pg_drop_replication_slot(slot_name) from pg_replication_slots where database = $1 and not active',
      [DATABASE],
    );
    const { rowCount } = await client.query('select 1 from pg_replication_slots where database = $1', [
      DATABASE,
    ]);
    if (rowCount === 0) return;
    await sleep(SLOT_PAUSE_MS);
  }
  throw new Error(`a replication slot of ${DATABASE} is still read`);
};

export const startBenchSource = async (signal: AbortSignal): Promise<BenchSource> => {
  const root = await mkdtemp(join(tmpdir(), 'freshet-bench-source-'));
  const stack = await startStack({
    dataDirectory: join(root, 'servers'),
    cacheDirectory: cacheDirectoryOf(process.env),
    ports: 'free',
    servers: ['postgres'],
    environment: process.env,
    signal,
  });
  const server = stack.postgres.url;
  const database = new URL(server);
  database.pathname = `/${DATABASE}`;

  const empty = (): Promise<void> =>
    withClient(server, async (client) => {
      await dropSlots(client);
      await client.query(`drop database if exists ${DATABASE} with (force)`);
    });
  return {
    empty,
    fill: async (rows, replicaIdentity) => {
      await empty();
      await withClient(server, (client) => client.query(`create database ${DATABASE}`));
      await withClient(database.href, async (client) => {
        await client.query(EDITED_TABLE);
        await client.query(`alter table articles replica identity ${replicaIdentity}`);
        for (let from = 1; from <= rows; from += ROWS_A_STATEMENT) {
          const count = Math.min(ROWS_A_STATEMENT, rows - from + 1);
          const all = Array.from({ length: count }, (_, at) => editedRow(from + at, 0));
          await client.query(
            'insert into articles (id, title, body) select * from unnest($1::bigint[], $2::text[], $3::text[])',
            [all.map(({ id }) => id), all.map(({ title }) => title), all.map(({ body }) => body)],
          );
        }
        await client.query('vacuum analyze articles');
      });
      return database.href;
    },
    stop: async () => {
      await stack.stop();
      rmSync(root, { recursive: true, force: true });
    },
  };
};
