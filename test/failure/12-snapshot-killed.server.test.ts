/**
 * Fault 12: Connect killed midway through a snapshot, rows deleted before it is back. The snapshot begins again and never sees
 * them; the sweep after it removes what the first attempt brought.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { documentIdOf } from '../../schemas/document-id.ts';
import { type DataPlane, openDataPlane } from '../support/indexed-source.ts';
import { startIndex, startPipeline, temporaryFolder } from '../support/plane-roles.ts';
import { changesWritten, untilEqual } from '../support/plane-state.ts';
import { type ProxiedConnect, startWithProxiedConnect } from '../support/proxied-connect.ts';
import { until } from '../support/until.ts';
import { watchPlane } from '../support/watched-source.ts';

const SOURCE = 'snapshot-killed';
/** Three chunks of an incremental snapshot. */
const ROWS = 6_000;
/** What Kafka takes of a snapshot before Connect is cut off: some hundreds of rows, whatever the machine. */
const PART_BYTES = 150_000;
let proxied: ProxiedConnect;
let plane: DataPlane;
let pipeline: Awaited<ReturnType<typeof startPipeline>>;
let index: Awaited<ReturnType<typeof startIndex>>;
let watch: Awaited<ReturnType<typeof watchPlane>>;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  folder = await temporaryFolder();
  proxied = await startWithProxiedConnect({ servers: ['kafka', 'schemaRegistry', 'connect', 'postgres'] });
  plane = await openDataPlane(proxied.stack, SOURCE);
  // Most of the rows are refused for their empty text: what is read is what matters here.
  await plane.client.query(
    `INSERT INTO articles SELECT n, 'acme', 'Article ' || n, 'a', CASE WHEN n <= 200 THEN 'Row ' || n ELSE '' END FROM generate_series(1, ${ROWS}) AS n`,
  );
  pipeline = await startPipeline(plane, folder.path);
  index = await startIndex(plane, folder.path);
}, 360_000);

afterAll(async () => {
  await watch?.stop();
  await pipeline?.stop();
  await index?.stop();
  await plane?.close();
  await proxied?.close();
  await folder?.remove();
});

const recordOf = async (key: number) =>
  (await index.document(documentIdOf(SOURCE, 'public.articles', { id: String(key) })))?.record;
const kindOf = async (key: number) => (await recordOf(key))?.kind;
const textOf = async (key: number) => (await recordOf(key))?.text;

test('what the first attempt read and the second did not see is swept; the source is not green before', async () => {
  proxied.holdAfter(PART_BYTES);
  watch = await watchPlane(plane);
  await until('the snapshot is under way', async () => proxied.holds() && (await changesWritten(plane)) > 50);
  await proxied.killConnect();
  proxied.letPass();
  const written = await changesWritten(plane);
  // It is no test of a snapshot begun again unless the first one was cut short.
  expect(written).toBeLessThan(ROWS);
  await plane.client.query('DELETE FROM articles WHERE id BETWEEN 1 AND 50');
  await until('the first attempt is indexed', async () => (await kindOf(10)) === 'document');
  expect(watch.states.map(({ state }) => state)).not.toContain('streaming');
  await proxied.stack.startServer('connect');
  await watch.untilStreaming(1);
  await until('swept', async () => (await kindOf(10)) === undefined);
  expect(await kindOf(60)).toBe('document');
  await untilEqual(plane, index);
}, 600_000);

test('an incremental snapshot that Connect is killed in goes on, and overwrites nothing that changed meanwhile', async () => {
  const before = await changesWritten(plane);
  proxied.holdAfter(PART_BYTES);
  await watch.command({ action: 'snapshot', table: 'public.articles' });
  await until('it is under way', async () => proxied.holds() && (await changesWritten(plane)) > before + 50);
  await proxied.killConnect();
  proxied.letPass();
  expect(await changesWritten(plane)).toBeLessThan(before + ROWS);
  await plane.client.query('DELETE FROM articles WHERE id BETWEEN 60 AND 70');
  await plane.client.query(`UPDATE articles SET body = 'Changed meanwhile.' WHERE id BETWEEN 71 AND 80`);
  await proxied.stack.startServer('connect');
  // Its rows were being read when Connect was killed: it is not the live of before.
  await until('live', () => watch.state()?.tables[0]?.state === 'live', { within: 300_000 });
  expect(watch.state()?.epoch).toBe(1);
  await until('gone', async () => (await kindOf(65)) !== 'document');
  await until('changed', async () => (await textOf(75)) === 'Changed meanwhile.');
  await untilEqual(plane, index);
}, 600_000);
