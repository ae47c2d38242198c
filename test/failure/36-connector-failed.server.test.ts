/**
 * Fault 36: a connector's task FAILED silently: Connect leaves it so. Seen within seconds, the source not green, restarted with
 * backoff until it runs. With it what an operator does to a source: pause and resume, an incremental snapshot, a table added.
 */
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { documentIdOf } from '../../schemas/document-id.ts';
import { type DataPlane, openDataPlane } from '../support/indexed-source.ts';
import { startIndex, startPipeline, temporaryFolder } from '../support/plane-roles.ts';
import { untilCounted, untilEqual } from '../support/plane-state.ts';
import { until } from '../support/until.ts';
import { watchPlane } from '../support/watched-source.ts';

const SOURCE = 'connector-failed';
const TABLE = 'public.articles';
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
}, 360_000);

afterAll(async () => {
  await watch?.stop();
  await pipeline?.stop();
  await index?.stop();
  await plane?.close();
  await folder?.remove();
});

const id = (key: number): string => documentIdOf(SOURCE, TABLE, { id: String(key) });
const documentOf = async (key: number) => (await index.document(id(key)))?.record;
const tableState = () => watch.state()?.tables.find(({ table }) => table === TABLE);
const insert = (key: number, text: string) =>
  plane.client.query(`INSERT INTO articles VALUES (${key}, 'acme', 'Article', 'a', '${text}')`);

test('a task that failed is seen and restarted until it runs', async () => {
  // Its configuration stays valid; what it needs to start is gone.
  const config = await plane.connect.config(plane.names.connector);
  await plane.connect.putConnector(plane.names.connector, { ...config, 'publication.name': 'gone' });
  await until('seen', () => watch.states.some(({ state }) => state === 'failed'));
  await until('restarted', () => watch.events.some((event) => event.type === 'restarting'));
  await plane.connect.putConnector(plane.names.connector, config ?? {});
  await watch.untilStreaming(1);
  await insert(30, 'After the failure.');
  await until('streams on', async () => (await documentOf(30))?.kind === 'document');
}, 360_000);

test('a source paused and resumed by commands: nothing is lost', async () => {
  await watch.command({ action: 'pause', table: undefined });
  await until('paused', () => watch.state()?.state === 'paused' && watch.state()?.connector === 'paused');
  await insert(31, 'While paused.');
  await watch.command({ action: 'resume', table: undefined });
  await watch.untilStreaming(1);
  await until('streams on', async () => (await documentOf(31))?.kind === 'document');
}, 360_000);

test('a table paused skips its changes and no other state; resumed, its rows are read again and what is gone is swept', async () => {
  await watch.command({ action: 'pause', table: TABLE });
  await until('paused', () => tableState()?.state === 'paused');
  // The marks of the pause are dropped too: none of them is to be taken for a change that was skipped.
  await untilCounted(plane, pipeline.counts);
  const { dropped } = pipeline.counts;
  await insert(40, 'Skipped at first.');
  await plane.client.query('DELETE FROM articles WHERE id = 3');
  await plane.client.query(`UPDATE articles SET body = 'Changed while paused.' WHERE id = 4`);
  await until('skipped', () => pipeline.counts.dropped >= dropped + 3);
  expect(await documentOf(40)).toBeUndefined();
  expect((await documentOf(3))?.kind).toBe('document');
  await until('the source itself streams', () => watch.state()?.state === 'streaming');
  await watch.command({ action: 'resume', table: TABLE });
  await until('live again', () => tableState()?.state === 'live');
  await untilEqual(plane, index);
  expect((await documentOf(40))?.text).toBe('Skipped at first.');
  expect((await documentOf(4))?.text).toBe('Changed while paused.');
  expect(await documentOf(3)).toBeUndefined();
}, 360_000);

test('an incremental snapshot beside changes never overwrites a newer one', async () => {
  const since = tableState()?.since;
  const taken = () => tableState()?.since !== since;
  await watch.command({ action: 'snapshot', table: TABLE });
  for (let round = 0; round < 40; round += 1)
    await plane.client.query(`UPDATE articles SET body = 'Round ${round}' WHERE id = 5`);
  await plane.client.query('DELETE FROM articles WHERE id = 6');
  await until('asked for', taken);
  for (let round = 40; round < 120; round += 1)
    await plane.client.query(`UPDATE articles SET body = 'Round ${round}' WHERE id = 5`);
  await until('done', () => taken() && tableState()?.state === 'live');
  await until('last round', async () => (await documentOf(5))?.text === 'Round 119');
  await untilEqual(plane, index);
  expect(pipeline.failures).toEqual([]);
}, 360_000);
