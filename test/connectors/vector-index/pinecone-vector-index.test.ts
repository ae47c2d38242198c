/** The Pinecone adapter against a local server of its protocol. Row 24 of shared/ROBUSTNESS.md on the whole pipeline is in test/failure. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cutBatches, recordOf } from '../../../connectors/vector-index/pinecone-batches.ts';
import { metadataOf, namespaceOf } from '../../../connectors/vector-index/pinecone-names.ts';
import { openPineconeVectorIndex } from '../../../connectors/vector-index/pinecone-vector-index.ts';
import type { VectorIndex } from '../../../connectors/vector-index/vector-index.ts';
import { type PineconeServer, startPineconeServer } from '../../support/pinecone-server.ts';
import { describeVectorIndex } from './vector-index-conformance.ts';
import { collect, DIMENSIONS, placeOf, rowId, rowOf, rowsOf, vectorOf } from './vector-rows.ts';

/** Times are long: what a slow machine is late with is no hang. A test of hangs gives a short one. */
const QUICK = {
  timeoutMs: 20_000,
  firstBackoffMs: 5,
  maxBackoffMs: 1_500,
  openMs: 100,
  searchableWithinMs: 60_000,
};
const HANGS = { ...QUICK, timeoutMs: 700 };

const open = (
  server: PineconeServer,
  settings: { prefix?: string; discard?: boolean; limits?: typeof QUICK } = {},
): Promise<VectorIndex> =>
  openPineconeVectorIndex({
    host: server.url,
    apiKey: 'pc-test',
    dimensions: DIMENSIONS,
    prefix: 'freshet-a',
    limits: QUICK,
    ...settings,
  });

for (const staleMs of [0, 15]) {
  describeVectorIndex(`Pinecone, ${staleMs} ms stale`, async () => {
    const server = await startPineconeServer(DIMENSIONS);
    server.staleMs = staleMs;
    return { open: () => open(server), dispose: () => server.close() };
  });
}

describe('the Pinecone index', () => {
  let server: PineconeServer;
  let index: VectorIndex;
  beforeEach(async () => {
    server = await startPineconeServer(DIMENSIONS);
    index = await open(server);
  });
  afterEach(async () => {
    await index.close();
    await server.close();
  });

  it('X: resolves a write only when a read of its namespace shows it', async () => {
    server.staleMs = 150;
    const begun = Date.now();
    await index.upsert(rowsOf(5));
    expect(Date.now() - begun).toBeGreaterThanOrEqual(150);
    expect(await index.query({ vector: vectorOf(0), topK: 10, tenant: 'acme' })).toHaveLength(5);
    await index.remove([placeOf(0)]);
    expect(await index.query({ vector: vectorOf(0), topK: 10, tenant: 'acme' })).toHaveLength(4);
  });

  it('says index-unavailable for a write that does not show in time, and it is safe to write it again', async () => {
    server.staleMs = 60_000;
    const impatient = await openPineconeVectorIndex({
      ...{ host: server.url, apiKey: 'pc-test', dimensions: DIMENSIONS, prefix: 'freshet-a' },
      limits: { ...QUICK, searchableWithinMs: 50 },
    });
    await expect(impatient.upsert(rowsOf(3))).rejects.toMatchObject({ code: 'index-unavailable' });
    server.staleMs = 0;
    await impatient.upsert(rowsOf(3));
    expect(await impatient.count()).toBe(3);
    await impatient.close();
  });

  it.each([
    ['429 with Retry-After', { kind: 'status', status: 429, retryAfter: '0.2' }],
    ['500', { kind: 'status', status: 500 }],
    ['503', { kind: 'status', status: 503 }],
    ['a lost connection', { kind: 'reset' }],
    ['a hang', { kind: 'hang' }],
    ['half of an upsert and 503', { kind: 'half' }],
  ] as const)('writes, reads and removes through %s', async (_, fault) => {
    const through = await open(server, { limits: fault.kind === 'hang' ? HANGS : QUICK });
    let call = 0;
    server.faultOf = () => {
      call += 1;
      return call % 2 === 1 ? fault : undefined;
    };
    await through.upsert(rowsOf(40));
    expect(await through.query({ vector: vectorOf(7), topK: 40, tenant: 'acme' })).toHaveLength(40);
    await through.remove([placeOf(3)]);
    expect(await through.has([placeOf(3), placeOf(4)])).toEqual(new Set([rowId(4)]));
    expect((await collect(through.ids())).length).toBe(39);
    await through.close();
  });

  it('answers searches while writes hang, and while their breaker is open', async () => {
    await index.upsert(rowsOf(3));
    const narrow = await openPineconeVectorIndex({
      ...{ host: server.url, apiKey: 'pc-test', dimensions: DIMENSIONS, prefix: 'freshet-a' },
      limits: { ...HANGS, concurrency: 1, attempts: 1, breakAfter: 1, openMs: 60_000 },
    });
    server.faultOf = (path) => (path === '/vectors/upsert' ? { kind: 'hang' } : undefined);
    const search = () => narrow.query({ vector: vectorOf(0), topK: 10, tenant: 'acme' });
    const writing = narrow.upsert(rowsOf(1, 'acme', 10));
    writing.catch(() => undefined);
    expect(await search()).toHaveLength(3);
    await expect(writing).rejects.toMatchObject({ code: 'index-unavailable' });
    await expect(narrow.upsert(rowsOf(1, 'acme', 10))).rejects.toThrow('is not asked');
    expect(await search()).toHaveLength(3);
    await narrow.close();
  });

  it('does not ask again before Retry-After has passed', async () => {
    server.faults.push({ kind: 'status', status: 429, retryAfter: '1' });
    await index.upsert(rowsOf(1));
    const [first, second] = server.seen.filter(({ path }) => path === '/vectors/upsert');
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(995);
  });

  it('splits what is refused for its size, and cuts requests to the documented limits before', async () => {
    server.maxBytes = 20_000;
    await index.upsert(rowsOf(400));
    expect(server.seen.filter(({ status }) => status === 413).length).toBeGreaterThan(0);
    expect(await index.count()).toBe(400);
    server.maxBytes = 2_000_000;
    server.seen.length = 0;
    await index.upsert(rowsOf(2_500, 'acme', 1_000));
    await index.remove(rowsOf(2_500, 'acme', 1_000));
    expect(server.seen.filter(({ status }) => status !== 200)).toEqual([]);
    expect(await index.count()).toBe(400);
  });

  it('says what is wrong with a key and with vectors of another size, and tries neither again', async () => {
    const wrong = { host: server.url, prefix: 'freshet-a', limits: QUICK };
    server.seen.length = 0;
    await expect(
      openPineconeVectorIndex({ ...wrong, apiKey: 'no', dimensions: DIMENSIONS }),
    ).rejects.toMatchObject({ code: 'config-invalid' });
    await expect(
      openPineconeVectorIndex({ ...wrong, apiKey: 'pc-test', dimensions: 7 }),
    ).rejects.toMatchObject({
      code: 'config-invalid',
    });
    expect(server.seen).toHaveLength(2);
  });

  it('keeps prefixes apart: discarding one leaves the other', async () => {
    const other = await open(server, { prefix: 'freshet-b' });
    await index.upsert(rowsOf(3));
    await other.upsert(rowsOf(4));
    expect(await index.count()).toBe(3);
    const anew = await open(server, { prefix: 'freshet-b', discard: true });
    expect(await anew.count()).toBe(0);
    expect(await index.count()).toBe(3);
    await other.close();
    await anew.close();
  });

  it('removes and finds rows it did not write itself, in the namespace of their tenant and no other', async () => {
    await index.upsert([rowOf(1, 'acme'), rowOf(2, 'brim'), rowOf(3, 'cove')]);
    const later = await open(server);
    server.seen.length = 0;
    expect(await later.has([placeOf(1), placeOf(2, 'brim'), placeOf(9)])).toEqual(
      new Set([rowId(1), rowId(2)]),
    );
    expect(server.seen).toHaveLength(2);
    server.seen.length = 0;
    await later.remove([placeOf(2, 'brim')]);
    const deletes = server.seen.filter(({ path }) => path === '/vectors/delete');
    expect(deletes).toHaveLength(1);
    expect(await collect(later.ids())).toEqual([rowId(1), rowId(3)]);
    await later.close();
  });

  it('looks under every tenant for rows of which nobody knows whose they are', async () => {
    await index.upsert([rowOf(1, 'acme'), rowOf(2, 'brim'), rowOf(3, 'cove')]);
    const later = await open(server);
    expect(await later.has([1, 2, 9].map((row) => placeOf(row, null)))).toEqual(
      new Set([rowId(1), rowId(2)]),
    );
    await later.remove([placeOf(2, null), placeOf(3, null)]);
    expect(await collect(later.ids())).toEqual([rowId(1)]);
    await later.close();
  });
});

it('two tenants never share a namespace, and every namespace is printable and short', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (one, other) => {
      const name = namespaceOf('freshet-a', one);
      expect(name).toMatch(/^[\x21-\x7e]{1,512}$/);
      expect(name === namespaceOf('freshet-a', other)).toBe(one === other);
    }),
  );
});

it('metadata stays below 40 KB whatever the tags', () => {
  for (const tags of [
    ['x'.repeat(100_000)],
    Array.from({ length: 600 }, (_, at) => `name${at}=${'é'.repeat(60)}`),
  ])
    expect(Buffer.byteLength(JSON.stringify(metadataOf({ tags })))).toBeLessThan(40_960);
});

it('batches hold each record once, in order, within their limits', () => {
  fc.assert(
    fc.property(
      fc.nat(60),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 500, max: 5_000 }),
      (count, maxRecords, maxBytes) => {
        const records = rowsOf(count).map(recordOf);
        const batches = cutBatches(records, { maxRecords, maxBytes });
        expect(batches.flat()).toEqual(records);
        for (const batch of batches) {
          expect(batch.length).toBeLessThanOrEqual(maxRecords);
          expect(batch.length === 1 || JSON.stringify(batch).length <= maxBytes + 2).toBe(true);
        }
      },
    ),
  );
});
