/** 24: Pinecone reads stale, answers 429, writes half a batch and refuses sizes while changes flow (I1, I6), beside the embedded index on the same log. */
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import { vectorIndexKind } from '../../connectors/vector-index/vector-index-kind.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type DataPlane, openDataPlane } from '../support/indexed-source.ts';
import { type PineconeFault, type PineconeServer, startPineconeServer } from '../support/pinecone-server.ts';
import { startIndex, startPipeline, temporaryFolder } from '../support/plane-roles.ts';
import { untilEqual } from '../support/plane-state.ts';
import { createRowLoad } from '../support/row-load.ts';
import { until } from '../support/until.ts';

const STALE_MS = 120;
let server: PineconeServer;
let plane: DataPlane;
let pipeline: Awaited<ReturnType<typeof startPipeline>>;
let pinecone: Awaited<ReturnType<typeof startIndex>>;
let embedded: Awaited<ReturnType<typeof startIndex>>;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let other: Awaited<ReturnType<typeof temporaryFolder>>;

const kind = () =>
  vectorIndexKind({ kind: 'pinecone', host: server.url, apiKey: 'pc-test' }, 'pinecone-1', {
    limits: { timeoutMs: 10_000, firstBackoffMs: 5, maxBackoffMs: 1_000, openMs: 100 },
  });

beforeAll(async () => {
  folder = await temporaryFolder();
  other = await temporaryFolder();
  server = await startPineconeServer(384);
  server.staleMs = STALE_MS;
  plane = await openDataPlane(inject('stack'), 'pinecone-faults');
  pipeline = await startPipeline(plane, folder.path);
  pinecone = await startIndex(plane, folder.path, 'pinecone-1', undefined, kind());
  embedded = await startIndex(plane, other.path, 'pinecone-faults-embedded');
  await plane.capture();
}, 360_000);

afterAll(async () => {
  await pipeline?.stop();
  await pinecone?.stop();
  await embedded?.stop();
  await plane?.close();
  await server?.close();
  await folder?.remove();
  await other?.remove();
});

const FAULTS: readonly PineconeFault[] = [
  { kind: 'status', status: 429, retryAfter: '0.05' },
  { kind: 'half' },
  { kind: 'status', status: 500 },
  { kind: 'reset' },
  { kind: 'status', status: 413 },
];

test('it ends as the source is, and as the embedded index is, through every fault', async () => {
  let request = 0;
  const met = new Set<PineconeFault>();
  server.faultOf = (path) => {
    if (path !== '/vectors/upsert' && path !== '/vectors/delete' && path !== '/query') return undefined;
    request += 1;
    const fault = request % 3 === 0 ? FAULTS[(request / 3) % FAULTS.length] : undefined;
    if (fault?.kind === 'status' && fault.status === 413 && path !== '/vectors/upsert') return undefined;
    if (fault) met.add(fault);
    return fault;
  };
  const load = createRowLoad(plane.client, 24).run();
  // A reader never sees half of an update: the text of a hit is the one its document has, whatever stands at Pinecone.
  let looked = 0;
  await until('every fault was met, and hits were looked at', async () => {
    const { hits } = await pinecone
      .search({ query: 'The word of article', tenant: 'acme', topK: 20 })
      .catch(() => ({ hits: [] }));
    for (const hit of hits) {
      const found = await pinecone.document(hit.documentId);
      if (found?.record.version !== hit.version) continue;
      expect(found.record.text).toContain(hit.text);
      looked += 1;
    }
    return met.size === FAULTS.length && looked > 0;
  });
  await load.stop();
  server.faultOf = () => undefined;
  await untilEqual(plane, pinecone);
  await untilEqual(plane, embedded);
  expect(looked).toBeGreaterThan(0);
  expect([...pipeline.failures, ...pinecone.failures]).toEqual([]);
});

test('I6: a change is called searchable only once Pinecone shows it', async () => {
  const begun = Date.now();
  await plane.client.query(`INSERT INTO articles VALUES (7001, 'acme', 'New', 'a', 'The word is mugwort.')`);
  const searchable = await until('its timing', async () => {
    let found: { at: number; appended: number } | undefined;
    await scanTopic(plane.kafka, { topic: TOPICS.freshness.name }, async (record) => {
      const timing = await plane.codec.decode('Timing', record.value);
      if (timing.index === 'pinecone-1' && timing.documentId.endsWith('/7001'))
        found = { at: timing.searchableAt / 1_000, appended: timing.appendedAt / 1_000 };
    });
    return found;
  });
  expect(searchable.at - searchable.appended).toBeGreaterThanOrEqual(STALE_MS);
  expect(searchable.at).toBeGreaterThan(begun + STALE_MS);
  const { hits } = await pinecone.search({ query: 'mugwort', tenant: 'acme', topK: 5 });
  expect(hits.map((hit) => hit.text).join()).toContain('mugwort');
});

test('I9: another tenant is another namespace; what moves leaves nothing behind', async () => {
  await plane.client.query(`UPDATE articles SET tenant = 'brim/../acme' WHERE id = 7001`);
  await until('moved', async () =>
    (await pinecone.search({ query: 'mugwort', tenant: 'brim/../acme', topK: 5 })).hits.some((hit) =>
      hit.text.includes('mugwort'),
    ),
  );
  expect(
    (await pinecone.search({ query: 'mugwort', tenant: 'acme', topK: 50 })).hits.filter((hit) =>
      hit.text.includes('mugwort'),
    ),
  ).toEqual([]);
  await untilEqual(plane, pinecone);
  expect([...server.contents().keys()].every((name) => /^[\w.-]+$/.test(name))).toBe(true);
});

test('a rebuild is identical, serves from a generation of its own, and leaves nothing of the old', async () => {
  let last: unknown;
  for await (const progress of pinecone.rebuild()) last = progress;
  expect(last).toMatchObject({ done: true, report: { identical: true } });
  const isLeft = ([name, ids]: readonly [string, { readonly length: number }]): boolean =>
    name.startsWith('freshet-pinecone-1-1.') && ids.length > 0;
  await until('nothing is left', () => ![...server.contents()].some(isLeft));
  await untilEqual(plane, pinecone);
});

test('drift is found: what is missing at Pinecone, and what it holds beyond the documents', async () => {
  const before = await pinecone.status();
  const planted = await kind().open({ folder: folder.path, generation: 2, dimensions: 384, discard: false });
  const held: string[] = [];
  for await (const id of planted.ids()) held.push(id);
  expect(held.length).toBe(before.rows);
  const vector = new Float32Array(384).fill(0.1);
  await planted.upsert([{ id: 'f'.repeat(32), vector, tenant: 'acme', tags: [] }]);
  await planted.remove(held.slice(0, 2).map((id) => ({ id, tenant: null })));
  let last: { report?: { identical: boolean } } = {};
  for await (const progress of pinecone.rebuild()) last = progress;
  expect(last.report?.identical).toBe(false);
  await untilEqual(plane, pinecone);
  await planted.close();
});
