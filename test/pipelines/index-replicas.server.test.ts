/** Two replicas of the index: copies of the role, each whole, with a group, a folder and a watermark of its own. */
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { openIndex } from '../../connectors/index-service/index-replicas.ts';
import { serveIndex } from '../../connectors/index-service/index-server.ts';
import type { IndexService } from '../../connectors/index-service/index-service.ts';
import { PASSED_OVER_BEHIND_MS } from '../../connectors/index-service/replica-order.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import { POSTGRES } from '../../connectors/sources/postgres/postgres-kind.ts';
import { createMetrics } from '../../connectors/telemetry/metrics.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type DataPlane, openDataPlane } from '../support/indexed-source.ts';
import { startTracking } from '../support/plane-freshness.ts';
import { startIndex, startPipeline, temporaryFolder } from '../support/plane-roles.ts';
import { untilEqual } from '../support/plane-state.ts';
import { until } from '../support/until.ts';
import { whenFresh } from '../support/when-fresh.ts';

const SOURCE = 'replicated';
let plane: DataPlane;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let pipeline: Awaited<ReturnType<typeof startPipeline>>;
let tracking: Awaited<ReturnType<typeof startTracking>>;
const replicas: (Awaited<ReturnType<typeof startIndex>> & {
  readonly server: Awaited<ReturnType<typeof serveIndex>>;
})[] = [];
let index: IndexService;
/** By replica: what its role says it waits for. */
const notReady = new Map<string, string>();

beforeAll(async () => {
  folder = await temporaryFolder();
  plane = await openDataPlane(inject('stack'), SOURCE);
  pipeline = await startPipeline(plane, folder.path);
  for (const name of ['one', 'two']) {
    const replica = await startIndex(
      plane,
      `${folder.path}/${name}`,
      `${SOURCE}-${name}`,
      undefined,
      undefined,
      name === 'one',
    );
    const metrics = createMetrics('index').registry;
    const server = await serveIndex(replica, {
      role: 'index',
      notReady: () => notReady.get(name) ?? null,
      metrics,
    });
    replicas.push({ ...replica, server });
  }
  tracking = await startTracking(plane);
  await plane.capture();
  index = openIndex(replicas.map(({ server }) => server.url).join(','));
}, 360_000);

afterAll(async () => {
  await tracking?.stop();
  await pipeline?.stop();
  for (const replica of replicas) await replica.server.close().catch(() => undefined);
  for (const replica of replicas) await replica.stop().catch(() => undefined);
  await plane?.close();
  await folder?.remove();
});

const writeRow = async (key: number, word: string): Promise<string> => {
  await plane.client.query(
    `INSERT INTO articles (id, tenant, title, body) VALUES ($1, 'acme', 'A', 'The word is ${word}.')`,
    [key],
  );
  return POSTGRES.currentPosition(plane.url);
};
const search = (word: string, position: string) =>
  whenFresh(() =>
    index.search({
      query: word,
      tenant: 'acme',
      topK: 5,
      freshness: { after: { source: SOURCE, position }, waitMs: 15_000 },
    }),
  );

test('each holds everything, and both answer what a writer asks for after its write', async () => {
  const answered = new Set<string>();
  for (let key = 1; key <= 6; key += 1) {
    const { hits, receipt } = await search(`plum${key}`, await writeRow(key, `plum${key}`));
    expect(hits.some(({ text }) => text.includes(`plum${key}`))).toBe(true);
    answered.add(receipt.index);
  }
  for (let at = 0; at < 4; at += 1)
    answered.add((await index.search({ query: 'plum', tenant: 'acme', topK: 1 })).receipt.index);
  expect([...answered].sort()).toEqual([`${SOURCE}-one`, `${SOURCE}-two`]);
  for (const replica of replicas) await untilEqual(plane, replica);
}, 360_000);

test('timings come from one of them', async () => {
  await until('timings are written', async () => {
    const by = new Map<string, number>();
    await scanTopic(plane.kafka, { topic: TOPICS.freshness.name }, async (record) => {
      const timing = await plane.codec.decode('Timing', record.value);
      if (timing.source === SOURCE) by.set(timing.index, (by.get(timing.index) ?? 0) + 1);
    });
    expect(by.has(`${SOURCE}-two`)).toBe(false);
    return (by.get(`${SOURCE}-one`) ?? 0) >= 6;
  });
});

const answering = async (from: IndexService): Promise<string> => {
  const answered = new Set<string>();
  for (let at = 0; at < 4; at += 1)
    answered.add((await from.search({ query: 'plum', tenant: 'acme', topK: 1 })).receipt.index);
  return [...answered].sort().join(' ');
};
const openAgain = (): IndexService => openIndex(replicas.map(({ server }) => server.url).join(','));

test('one that is not ready is passed over, until it is', async () => {
  notReady.set('two', 'the index to catch up with the log');
  expect(await answering(openAgain())).toBe(`${SOURCE}-one`);
  notReady.clear();
  expect(await answering(openAgain())).toBe(`${SOURCE}-one ${SOURCE}-two`);
});

test('one stands still: it is told of, searches pass it over, and nobody who writes waits for it', async () => {
  const [one] = replicas;
  if (!one) throw new Error('no replica');
  await one.holding(async () => {
    for (let key = 21; key <= 24; key += 1) {
      const { receipt } = await search(`cherry${key}`, await writeRow(key, `cherry${key}`));
      expect(receipt.index).toBe(`${SOURCE}-two`);
    }
    await until('every look says how far it is behind', async () => {
      const looks = await Promise.all([index.watermarks(), index.watermarks()]);
      return looks.every((look) => (look[SOURCE]?.stalenessMs ?? 0) > PASSED_OVER_BEHIND_MS);
    });
    await until('it is passed over', async () => (await answering(index)) === `${SOURCE}-two`);
  });
  await until('it serves again', async () => (await answering(index)).includes(`${SOURCE}-one`));
}, 360_000);

test('one dies and searches go on; it comes back and is whole', async () => {
  const [one] = replicas;
  if (!one) throw new Error('no replica');
  await one.server.close();
  await one.stop();
  for (let key = 11; key <= 13; key += 1) {
    const { hits, receipt } = await search(`quince${key}`, await writeRow(key, `quince${key}`));
    expect(hits.some(({ text }) => text.includes(`quince${key}`))).toBe(true);
    expect(receipt.index).toBe(`${SOURCE}-two`);
  }
  const again = await startIndex(plane, `${folder.path}/one`, `${SOURCE}-one`);
  await until('caught up', () => again.current());
  await untilEqual(plane, again);
  await again.stop();
}, 360_000);
