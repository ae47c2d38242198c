/** 22: the embedding provider refuses, fails, hangs and answers short while changes flow: nothing is skipped, nothing wrong is indexed (I1, I3, I7). */
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import type { EmbeddingModel } from '../../connectors/models/embedding/embedding-model.ts';
import { openEmbeddingModel } from '../../connectors/models/embedding/embedding-model-from-config.ts';
import { recordEmbeddingCosts } from '../../pipelines/record-embedding-costs.ts';
import { systemClock } from '../../schemas/clock.ts';
import type { Cost } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { remoteConfig } from '../connectors/models/embedding/remote/remote-models.ts';
import {
  type EmbeddingFault,
  type EmbeddingServer,
  startEmbeddingServer,
} from '../support/embedding-server.ts';
import { type DataPlane, openDataPlane } from '../support/indexed-source.ts';
import { startIndex, startPipeline, temporaryFolder } from '../support/plane-roles.ts';
import { expectedChunks, quarantined, untilCounted, untilEqual } from '../support/plane-state.ts';
import { createRowLoad } from '../support/row-load.ts';
import { until } from '../support/until.ts';

const SOURCE = 'provider-faults';
/** Hangs are waited out, and no answer of a slow machine comes after it. */
const TIMEOUT_MS = 1_500;
let provider: EmbeddingServer;
let model: EmbeddingModel;
let plane: DataPlane;
let pipeline: Awaited<ReturnType<typeof startPipeline>>;
let index: Awaited<ReturnType<typeof startIndex>>;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  folder = await temporaryFolder();
  provider = await startEmbeddingServer();
  plane = await openDataPlane(inject('stack'), SOURCE);
  const { writer, codec } = plane;
  model = await openEmbeddingModel(
    { models: { remote: remoteConfig('openai-compatible', provider.url, { timeoutMs: TIMEOUT_MS }) } },
    'remote',
    {
      modelDirectory: '',
      workers: 1,
      ledger: recordEmbeddingCosts({
        ...{ writer, codec, name: SOURCE, clock: systemClock },
        inputPerMillionUsd: '0.13',
        onLost: () => undefined,
      }),
    },
  );
  await plane.prepare();
  pipeline = await startPipeline(plane, folder.path, model);
  index = await startIndex(plane, folder.path, undefined, model);
  await plane.capture();
}, 360_000);

afterAll(async () => {
  await pipeline?.stop();
  await index?.stop();
  await model?.close();
  await plane?.close();
  await provider?.close();
  await folder?.remove();
});

const FAULTS: readonly EmbeddingFault[] = [
  { kind: 'status', status: 429, retryAfter: '0.1' },
  { kind: 'status', status: 503 },
  { kind: 'hang' },
  { kind: 'short' },
  { kind: 'reset' },
];

const costs = async (): Promise<ReadonlyMap<string, Cost>> => {
  const newest = new Map<string, Cost>();
  await scanTopic(plane.kafka, { topic: TOPICS.costs.name }, async (record) => {
    const cost = await plane.codec.decode('Cost', record.value);
    if (cost.costId.startsWith(`embedding:${SOURCE}:`)) newest.set(cost.costId, cost);
  });
  return newest;
};

test('every second request fails in turn while rows change: all of them arrive, with the right vectors', async () => {
  let request = 0;
  provider.faultOf = () => {
    request += 1;
    return request % 2 === 0 ? FAULTS[(request / 2) % FAULTS.length] : undefined;
  };
  const load = createRowLoad(plane.client, 22).run();
  await until('every fault was met', () =>
    FAULTS.every((fault) => provider.seen.some((seen) => seen.fault === fault.kind)),
  );
  await load.stop();
  await untilCounted(plane, pipeline.counts);
  provider.faultOf = () => undefined;
  await untilEqual(plane, index, model);
  expect(pipeline.counts['dead-lettered']).toBe(0);
  expect((await quarantined(plane)).filter(({ gate }) => gate === 'embedding')).toEqual([]);
  expect([...pipeline.failures, ...index.failures]).toEqual([]);
});

test('while it is down nothing passes and it is left alone; when it is back all that waited arrives', async () => {
  // Those of the test before are none of it.
  const [tried, asked] = [pipeline.retries.length, provider.seen.length];
  const tries = () => pipeline.retries.slice(tried);
  provider.faultOf = () => ({ kind: 'status', status: 500 });
  await plane.client.query(
    `INSERT INTO articles (id, tenant, title, body)
     SELECT 9000 + n, 'acme', 'Waiting ' || n, 'The word is waiting' || n || '.' FROM generate_series(1, 20) AS n`,
  );
  await until('batches are tried again', () => tries().length > 16);
  await until('the breaker refuses', () => tries().some((error) => error.message.includes('left alone')));
  // Without a breaker every try of a batch asks four times.
  expect(provider.seen.length - asked).toBeLessThan(3 * tries().length);
  expect(
    (await index.search({ query: 'waiting7', tenant: 'acme', topK: 5 }).catch(() => undefined))?.hits ?? [],
  ).toEqual([]);
  provider.faultOf = () => undefined;
  await untilEqual(plane, index, model);
  await untilCounted(plane, pipeline.counts);
});

test('one text that it refuses for good is quarantined, and its neighbours are not', async () => {
  const refused = 'Poison\nThe word is poison.';
  provider.refused.add(refused);
  await plane.client.query(
    `INSERT INTO articles (id, tenant, title, body) VALUES
     (9100, 'acme', 'Good', 'The word is good.'), (9101, 'acme', 'Poison', 'The word is poison.'), (9102, 'acme', 'Fine', 'The word is fine.')`,
  );
  await until('quarantined', async () =>
    (await quarantined(plane)).some(
      ({ gate, documentId }) => gate === 'embedding' && documentId.endsWith('/9101'),
    ),
  );
  await until('its neighbour is found', async () =>
    (await index.search({ query: 'The word is fine.', tenant: 'acme', topK: 50 })).hits.some(
      (hit) => hit.title === 'Fine',
    ),
  );
  await untilCounted(plane, pipeline.counts);
  provider.refused.clear();
  await plane.client.query(`UPDATE articles SET body = 'The word is mended.' WHERE id = 9101`);
  await untilEqual(plane, index, model);
  expect((await expectedChunks(plane, model)).length).toBeGreaterThan(20);
});

test('I3: what the ledger says is what the provider counted, and never below it where an outcome was lost', async () => {
  const tokens = (of: readonly Cost[]): number => of.reduce((sum, cost) => sum + cost.inputTokens, 0);
  const settled = (of: readonly Cost[]) => of.filter((cost) => cost.settled);
  // A cost is written behind its call: the last ones may still be under way.
  let before = '';
  const all = await until(
    'all is written',
    async () => {
      const known = [...(await costs()).values()];
      const now = `${known.length} ${settled(known).length} ${tokens(known)}`;
      const quiet = now === before;
      before = now;
      return quiet && tokens(known) >= provider.metered() && known;
    },
    { every: 1_000 },
  );
  expect(tokens(all)).toBeGreaterThanOrEqual(provider.metered());
  // A short answer was counted by the provider and settled as such, and then asked again: both are in both. One that came after
  // its time, as a slow machine has it, is in the provider's count and stays reserved here.
  expect(tokens(settled(all))).toBeLessThanOrEqual(provider.metered());
  expect(tokens(settled(all))).toBeGreaterThan(0);
  expect(new Set(all.map((cost) => cost.agent))).toEqual(new Set(['embedding']));
});
