/** Fault 7: Connect killed, so that it delivers again at higher offsets: superseded, and a deleted row is never back, not for a moment. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { documentIdOf } from '../../schemas/document-id.ts';
import { type DataPlane, openDataPlane } from '../support/indexed-source.ts';
import { startIndex, startPipeline, temporaryFolder } from '../support/plane-roles.ts';
import { changesWritten, untilCounted, untilEqual } from '../support/plane-state.ts';
import { type ProxiedConnect, startWithProxiedConnect } from '../support/proxied-connect.ts';
import { createRowLoad } from '../support/row-load.ts';
import { until } from '../support/until.ts';
import { startWatch } from '../support/watch.ts';

let proxied: ProxiedConnect;
let plane: DataPlane;
let pipeline: Awaited<ReturnType<typeof startPipeline>>;
let index: Awaited<ReturnType<typeof startIndex>>;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  folder = await temporaryFolder();
  proxied = await startWithProxiedConnect({ servers: ['kafka', 'schemaRegistry', 'connect', 'postgres'] });
  plane = await openDataPlane(proxied.stack, 'connect-killed');
  pipeline = await startPipeline(plane, folder.path);
  index = await startIndex(plane, folder.path);
  await plane.capture();
}, 360_000);

afterAll(async () => {
  await pipeline?.stop();
  await index?.stop();
  await plane?.close();
  await proxied?.close();
  await folder?.remove();
});

const id = (key: number): string => documentIdOf('connect-killed', 'public.articles', { id: String(key) });
const kindOf = async (key: number) => (await index.document(id(key)))?.record.kind;

test('what was delivered before the kill comes again and is superseded; a deleted row is never back', async () => {
  const { stack } = proxied;
  const [old, short, after] = [900, 901, 902];
  const insert = (key: number, word: string) =>
    plane.client.query(
      `INSERT INTO articles VALUES (${key}, 'acme', 'Row ${key}', 'a', 'The word is ${word}.')`,
    );
  await insert(old, 'madder');
  await until('inserted', async () => (await kindOf(old)) === 'document');
  await createRowLoad(plane.client, 7).change(20);
  // One insert to one delete, delivered: Connect won't know that it delivered any of it.
  proxied.holdOffsets();
  const from = await changesWritten(plane);
  await insert(short, 'woad');
  await plane.client.query(`UPDATE articles SET body = 'The word is woad, still.' WHERE id = ${short}`);
  await plane.client.query(`UPDATE articles SET body = 'The word is madder, still.' WHERE id = ${old}`);
  await plane.client.query(`DELETE FROM articles WHERE id IN (${old}, ${short})`);
  await until('captured', async () => (await changesWritten(plane)) >= from + 5);
  await proxied.killConnect();
  proxied.letPass();
  const kinds = () => Promise.all([kindOf(old), kindOf(short)]);
  await until('deleted', async () => (await kinds()).every((kind) => kind === 'deleted'));
  const watch = startWatch(async () => {
    const { hits } = await index.search({ query: 'The word is woad madder', tenant: 'acme', topK: 50 });
    const seen = hits.find((hit) => hit.text.includes('woad') || hit.text.includes('madder'));
    const now = await kinds();
    return seen?.text ?? (now.every((kind) => kind === 'deleted') ? undefined : `kinds ${now}`);
  });
  await untilCounted(plane, pipeline.counts);
  const { superseded } = pipeline.counts;
  const written = await changesWritten(plane);
  await stack.startServer('connect');
  await plane.untilCapturing();
  await insert(after, 'weld');
  await until('captured on', async () => (await kindOf(after)) === 'document');
  await untilCounted(plane, pipeline.counts);
  await untilEqual(plane, index);
  await until('looked at often', () => watch.looks() > 50);
  await watch.stop();
  expect(watch.sightings).toEqual([]);
  expect(pipeline.failures).toEqual([]);
  const again = pipeline.counts.superseded - superseded;
  expect(again).toBeGreaterThanOrEqual(5);
  // What comes again has offsets of its own.
  expect(await changesWritten(plane)).toBeGreaterThanOrEqual(written + again + 1);
}, 600_000);

test('Connect killed under load: the index equals the source', async () => {
  const running = createRowLoad(plane.client, 77).run();
  const before = await changesWritten(plane);
  await until('changes flow', async () => (await changesWritten(plane)) > before + 50);
  await proxied.killConnect();
  await proxied.stack.startServer('connect');
  await plane.untilCapturing();
  await running.stop();
  await untilEqual(plane, index);
  await untilCounted(plane, pipeline.counts);
}, 600_000);
