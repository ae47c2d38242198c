/**
 * What a source database may do: be killed (fault 8), lose the slot past max_slot_wal_keep_size (10), crash right behind a COPY of
 * many rows (15), be restored from a backup. Never green meanwhile, and the index is the source afterwards.
 */
import { execFileSync } from 'node:child_process';
import { rename, rm } from 'node:fs/promises';
import type { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseLsn, reachedLsn } from '../../connectors/sources/postgres/postgres-position.ts';
import { type DataPlane, openDataPlane } from '../support/indexed-source.ts';
import { startTestStack, type TestStack } from '../support/own-stack.ts';
import { startIndex, startPipeline, temporaryFolder } from '../support/plane-roles.ts';
import { untilEqual } from '../support/plane-state.ts';
import { until } from '../support/until.ts';
import { watchPlane } from '../support/watched-source.ts';

let stack: TestStack;
let plane: DataPlane;
let client: Client;
let pipeline: Awaited<ReturnType<typeof startPipeline>>;
let index: Awaited<ReturnType<typeof startIndex>>;
let watch: Awaited<ReturnType<typeof watchPlane>>;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  folder = await temporaryFolder();
  stack = await startTestStack({ servers: ['kafka', 'schemaRegistry', 'connect', 'postgres'] });
  plane = await openDataPlane(stack, 'source-killed');
  client = plane.client;
  await insert(1, 20);
  pipeline = await startPipeline(plane, folder.path);
  index = await startIndex(plane, folder.path);
  watch = await watchPlane(plane);
  await watch.untilStreaming(1);
}, 360_000);

afterAll(async () => {
  await watch?.stop();
  await pipeline?.stop();
  await index?.stop();
  await client?.end();
  // The plane's own connection went with its database; the slot goes with the stack.
  await plane?.writer.close();
  await plane?.kafka.close();
  await stack?.stop();
  await folder?.remove();
});

const insert = (from: number, to: number) =>
  client.query(
    `INSERT INTO articles SELECT n, 'acme', 'Article ' || n, 'a', 'Row ' || n FROM generate_series(${from}, ${to}) AS n`,
  );
const reconnect = async (): Promise<void> => {
  client = await until('the database answers', () => plane.connectClient().catch(() => false as const));
};
const equal = () => untilEqual({ ...plane, client }, index);

/** All that was said of the source from a moment on. */
const statesSince = (from: number) => watch.states.slice(from).map(({ state }) => state);
const untilRed = (from: number) =>
  until('not green', () =>
    watch.states
      .slice(from)
      .some((each) => each.state === 'unknown' && each.reason?.match('does not answer')),
  );

test('fault 8: killed and started again', async () => {
  const from = watch.states.length;
  await stack.killServer('postgres');
  await untilRed(from);
  await stack.startServer('postgres');
  await reconnect();
  await watch.untilStreaming(1);
  await insert(21, 25);
  await equal();
}, 360_000);

test('fault 15: a COPY of many rows, then Connect and the database crash: all rows arrive', async () => {
  const { rows } = await client.query<{ file: string }>(
    `SELECT current_setting('data_directory') || '/many.copy' AS file`,
  );
  const file = rows[0]?.file ?? '';
  await client.query(
    `COPY (SELECT n, 'acme', 'Copied ' || n, 'b', 'Copied row ' || n, 0 FROM generate_series(1001, 4000) AS n) TO '${file}'`,
  );
  const from = watch.states.length;
  await client.query(`COPY articles FROM '${file}'`);
  await stack.killServer('connect');
  await stack.killServer('postgres');
  await untilRed(from);
  await stack.startServer('postgres');
  await stack.startServer('connect');
  await reconnect();
  await watch.untilStreaming(1);
  await equal();
}, 360_000);

test('fault 10: the slot lost past max_slot_wal_keep_size is loud, and read anew', async () => {
  const from = watch.states.length;
  await plane.connect.steer(plane.names.connector, 'stop');
  await client.query(`ALTER SYSTEM SET max_slot_wal_keep_size = '16MB'`);
  await client.query('SELECT pg_reload_conf()');
  await client.query('DELETE FROM articles WHERE id = 3');
  for (let segment = 0; segment < 6; segment += 1) {
    await client.query(`SELECT pg_logical_emit_message(false, 'test', 'x')`);
    await client.query('SELECT pg_switch_wal()');
  }
  await client.query('CHECKPOINT');
  await until('loud', () => statesSince(from).includes('lost'));
  expect(watch.states.find(({ state }) => state === 'lost')?.reason).toMatch(/discarded log/);
  await watch.untilStreaming(2);
  const lostAt = watch.states.findIndex(({ state }, at) => at >= from && state === 'lost');
  const before = watch.states.slice(lostAt).filter(({ swept }) => !swept?.startsWith('00000002'));
  expect(before.map(({ state }) => state)).not.toContain('streaming');
  await equal();
  await client.query('ALTER SYSTEM RESET max_slot_wal_keep_size');
  await client.query('SELECT pg_reload_conf()');
}, 360_000);

test('restored from a backup: positions have moved back, and the rows since then are gone', async () => {
  const { rows } = await client.query<{ directory: string }>(
    `SELECT current_setting('data_directory') AS directory`,
  );
  const directory = rows[0]?.directory ?? '';
  await client.query('CHECKPOINT');
  await stack.killServer('postgres');
  // Whose it is counts: as root, the database runs as another account.
  execFileSync('cp', ['-a', directory, `${directory}.backup`]);
  await stack.startServer('postgres');
  await reconnect();
  await watch.untilStreaming(2);
  // Well past the backup, whatever the restored database writes before it is looked at.
  await client.query('SELECT pg_switch_wal()');
  await insert(5001, 5010);
  await equal();
  // Connect acknowledges what it read, so that the restored log ends before it.
  const { rows: inserted } = await client.query<{ end: string }>('SELECT pg_current_wal_lsn()::text AS end');
  const [end = 0n] = parseLsn(inserted[0]?.end ?? '');
  await until('acknowledged', async () => {
    const [offset] = await plane.connect.offsets(plane.names.connector);
    return offset && (reachedLsn(offset) ?? 0n) >= end;
  });
  await stack.killServer('postgres');
  await rm(directory, { recursive: true });
  await rename(`${directory}.backup`, directory);
  await stack.startServer('postgres');
  await reconnect();
  await watch.untilStreaming(3);
  expect(watch.events.filter((event) => event.type === 'lost').at(-1)?.loss).toBe('database-restored');
  await equal();
}, 360_000);
