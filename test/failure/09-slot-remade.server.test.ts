/**
 * Fault 9: a replication slot dropped, and dropped and made again; also a publication made again, and offsets forgotten. The
 * rows between are lost to the stream: noticed within seconds, read again under a new epoch, and what is gone is swept.
 */
import { Client } from 'pg';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { postgresConnectorConfig } from '../../connectors/sources/postgres/connector-config.ts';
import { writeSourceState } from '../../pipelines/watch-sources/source-states.ts';
import { systemClock } from '../../schemas/clock.ts';
import { documentIdOf } from '../../schemas/document-id.ts';
import { type DataPlane, openDataPlane } from '../support/indexed-source.ts';
import { startIndex, startPipeline, temporaryFolder } from '../support/plane-roles.ts';
import { untilEqual } from '../support/plane-state.ts';
import { until } from '../support/until.ts';
import { watchPlane } from '../support/watched-source.ts';

const SOURCE = 'slot-remade';
let plane: DataPlane;
let pipeline: Awaited<ReturnType<typeof startPipeline>>;
let index: Awaited<ReturnType<typeof startIndex>>;
let watch: Awaited<ReturnType<typeof watchPlane>>;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  folder = await temporaryFolder();
  plane = await openDataPlane(inject('stack'), SOURCE);
  await plane.client.query(
    `INSERT INTO articles SELECT n, 'acme', 'Article ' || n, 'a', 'Row ' || n FROM generate_series(1, 20) AS n`,
  );
  pipeline = await startPipeline(plane, folder.path);
  index = await startIndex(plane, folder.path);
  watch = await watchPlane(plane);
  await watch.untilStreaming(1);
  await untilEqual(plane, index);
}, 360_000);

afterAll(async () => {
  await watch?.stop();
  await pipeline?.stop();
  await index?.stop();
  await plane?.close();
  await folder?.remove();
});

const id = (key: number): string => documentIdOf(SOURCE, 'public.articles', { id: String(key) });
const documentOf = async (key: number) => (await index.document(id(key)))?.record;

const dropSlot = () =>
  until('the slot is dropped', () =>
    plane.client
      .query(
        `SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = $1 AND active`,
        [plane.names.slot],
      )
      .then(() => plane.client.query('SELECT pg_drop_replication_slot($1)', [plane.names.slot]))
      .then(
        () => true,
        () => false,
      ),
  );

const lost = () => watch.events.filter((event) => event.type === 'lost').map(({ loss }) => loss);

/** What nobody captured: it is in no stream. */
const changeUnseen = async (key: number): Promise<void> => {
  await plane.client.query(`DELETE FROM articles WHERE id = ${key}`);
  await plane.client.query(`UPDATE articles SET body = 'Changed unseen ${key}' WHERE id = ${key + 1}`);
};

const untilRecovered = async (epoch: number, key: number): Promise<void> => {
  await watch.untilStreaming(epoch);
  await untilEqual(plane, index);
  expect(await documentOf(key)).toBeUndefined();
  expect((await documentOf(key + 1))?.text).toBe(`Changed unseen ${key}`);
  await plane.client.query(
    `INSERT INTO articles VALUES (${100 + epoch}, 'acme', 'New', 'a', 'After ${epoch}')`,
  );
  await until('streams on', async () => (await documentOf(100 + epoch))?.text === `After ${epoch}`);
};

test('the slot dropped, and rows changed before another is made', async () => {
  await plane.connect.steer(plane.names.connector, 'stop');
  await dropSlot();
  await changeUnseen(1);
  await plane.connect.steer(plane.names.connector, 'resume');
  await until('noticed', () => lost().length > 0);
  await untilRecovered(2, 1);
  // Never green meanwhile: what is shown is that changes were lost, then that the tables are read.
  const from = watch.states.findIndex(({ state }) => state === 'lost');
  expect(from).toBeGreaterThanOrEqual(0);
  const meanwhile = watch.states.slice(from).filter(({ swept }) => !swept?.startsWith('00000002'));
  expect(meanwhile.map(({ state }) => state)).not.toContain('streaming');
  expect(meanwhile.at(0)?.reason).toMatch(/replication slot/);
}, 360_000);

test('the slot made again by hand under the same name, with a running connector', async () => {
  const before = lost().length;
  await plane.connect.steer(plane.names.connector, 'stop');
  await dropSlot();
  await changeUnseen(5);
  await plane.client.query('SELECT pg_create_logical_replication_slot($1, $2)', [
    plane.names.slot,
    'pgoutput',
  ]);
  await plane.connect.steer(plane.names.connector, 'resume');
  await until('noticed', () => lost().length > before);
  expect(lost().at(-1)).toBe('place-remade');
  await untilRecovered(3, 5);
}, 360_000);

test('the publication made again', async () => {
  await plane.client.query(`DROP PUBLICATION ${plane.names.publication}`);
  await changeUnseen(9);
  await plane.prepare();
  await untilRecovered(4, 9);
  expect(lost().at(-1)).toBe('identity-changed');
}, 360_000);

test('a watch that died while it started over: what was captured under its epoch is gone with it', async () => {
  const last = watch.state();
  if (!last) throw new Error('no state');
  await watch.stop();
  const { writer, codec, connect, client, names } = plane;
  // It had raised the epoch and begun to capture under it, and never came to say so.
  const reason = 'changes were lost; all tables are read again under epoch 5';
  const begun = { epoch: 5, state: 'lost', reason, identity: '', changeEnds: [] } as const;
  await writeSourceState({ writer, codec }, { ...last, ...begun, updatedAt: systemClock() });
  await connect.steer(names.connector, 'stop');
  await until('stopped', async () => {
    const status = await connect.status(names.connector);
    return status?.connector.state === 'STOPPED' && status.tasks.length === 0;
  });
  const config = await connect.config(names.connector);
  await connect.putConnector(names.connector, {
    ...config,
    ...postgresConnectorConfig({
      ...{ source: SOURCE, url: plane.url, tables: ['public.articles'], epoch: 5, heartbeatMs: 500 },
      ...{ kafka: plane.servers.kafka, schemaRegistry: plane.servers.schemaRegistry },
    }),
  });
  await connect.steer(names.connector, 'resume');
  await client.query(`INSERT INTO articles VALUES (500, 'acme', 'Between', 'a', 'Between two slots.')`);
  await until('streamed under its epoch', async () =>
    (await documentOf(500))?.version.startsWith('00000005'),
  );
  await connect.steer(names.connector, 'stop');
  await dropSlot();
  await client.query('DELETE FROM articles WHERE id = 500');
  watch = await watchPlane(plane);
  await watch.untilStreaming(6);
  await untilEqual(plane, index);
  expect(await documentOf(500)).toBeUndefined();
}, 360_000);

test('Kafka Connect forgets where it was, and begins to read the tables under the same epoch', async () => {
  const { connect, names, url } = plane;
  await connect.steer(names.connector, 'stop');
  await until('stopped', async () => (await connect.status(names.connector))?.tasks.length === 0);
  await changeUnseen(13);
  const other = new Client({ connectionString: url });
  await other.connect();
  try {
    // Its snapshot takes a while: somebody works on the table.
    await other.query('BEGIN');
    await other.query('LOCK TABLE articles IN ACCESS EXCLUSIVE MODE');
    await connect.deleteOffsets(names.connector);
    await connect.steer(names.connector, 'resume');
    await until('noticed', () => lost().at(-1) === 'offsets-missing');
    await other.query('COMMIT');
  } finally {
    await other.end();
  }
  await untilRecovered(7, 13);
}, 360_000);

test('a source that a person paused is left alone, whatever is lost meanwhile; resumed, it is made good', async () => {
  const before = lost().length;
  await watch.command({ action: 'pause', table: undefined });
  await until('paused', () => watch.state()?.state === 'paused');
  await until(
    'in Connect too',
    async () => (await plane.connect.status(plane.names.connector))?.connector.state === 'PAUSED',
  );
  await plane.connect.steer(plane.names.connector, 'stop');
  await dropSlot();
  await changeUnseen(15);
  const looks = watch.events.length;
  await watch.command({ action: 'snapshot', table: 'public.articles' });
  await until('looked again', () => watch.events.length > looks);
  expect(watch.state()).toMatchObject({ state: 'paused', epoch: 7 });
  expect(lost().length).toBe(before);
  await watch.command({ action: 'resume', table: undefined });
  await untilRecovered(8, 15);
}, 360_000);
