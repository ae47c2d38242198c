/** `search --as-of`: random updates, each state recorded as it stood, asked for again afterwards; and the horizon. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { createHashEmbeddingModel } from '../../connectors/models/embedding/hash-embedding-model.ts';
import { seededRandom } from '../../connectors/sample-source/seeded-random.ts';
import { bytesOfVector } from '../../connectors/vector-index/vector-codec.ts';
import { documentIdOf, floorIdOf } from '../../schemas/document-id.ts';
import type { Document } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { makeVersion } from '../../schemas/version.ts';
import { type DataPlane, openDataPlane } from '../support/indexed-source.ts';
import { startIndex, temporaryFolder } from '../support/plane-roles.ts';

const SOURCE = 'past';
const TABLE = 'public.articles';
const model = createHashEmbeddingModel();
const random = seededRandom('search-past', 1);
let plane: DataPlane;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let index: Awaited<ReturnType<typeof startIndex>>;

beforeAll(async () => {
  folder = await temporaryFolder();
  plane = await openDataPlane(inject('stack'), SOURCE);
  index = await startIndex(plane, folder.path);
}, 360_000);

afterAll(async () => {
  await index?.stop();
  await plane?.close();
  await folder?.remove();
});

const recordOf = async (
  kind: Document['kind'],
  key: number,
  at: number,
  tenant: string,
): Promise<Document> => {
  const text = `Plum ${key} of state ${at}.`;
  const [vector = new Float32Array()] = await model.embed([text]);
  const searchable = kind === 'document';
  return {
    kind,
    documentId: kind === 'floor' ? floorIdOf(SOURCE, TABLE) : documentIdOf(SOURCE, TABLE, { id: key }),
    source: SOURCE,
    table: TABLE,
    version: makeVersion(1, [BigInt(at), 0n]),
    tenant: searchable ? tenant : null,
    title: '',
    text: searchable ? text : '',
    metadata: {},
    model: searchable ? model.id : '',
    chunks: searchable
      ? [{ hash: String(at), start: 0, end: text.length, vector: bytesOfVector(vector) }]
      : [],
    reason: null,
    flags: [],
    stale: null,
    fingerprint: null,
    carried: {},
    timing: {
      committedAt: Date.now() * 1_000,
      capturedAt: 0,
      inKafkaAt: 0,
      gatedAt: 0,
      embeddedAt: 0,
      basis: 'commit',
    },
    change: { topic: `cdc.${SOURCE}`, partition: 0, offset: at },
  };
};

const PARTITIONS_USED = 3;
const append = async (records: readonly (readonly [number, Document])[]): Promise<void> => {
  await plane.writer.append(
    records.map(([partition, record]) => ({
      topic: TOPICS.documents.name,
      partition,
      key: record.documentId,
      value: plane.codec.encode('Document', record),
    })),
  );
};

test('answers as of any time what stood then', async () => {
  const stood = new Map<number, string>();
  const history: { readonly at: number; readonly texts: readonly string[] }[] = [];
  let late: readonly [number, Document] | undefined;
  for (let at = 1; at <= 60; at += 1) {
    const key = random.integer(1, 12);
    const partition = key % PARTITIONS_USED;
    const chance = random.integer(0, 9);
    if (chance === 0) {
      const floor = await recordOf('floor', 0, at, '');
      await append(Array.from({ length: PARTITIONS_USED }, (_, each) => [each, floor] as const));
      stood.clear();
    } else if (chance === 1 && late) {
      // An older record once more: it changes nothing.
      await append([late]);
    } else {
      const deleted = chance === 2;
      const tenant = chance === 3 ? 'brim' : 'acme-past';
      const record = await recordOf(deleted ? 'deleted' : 'document', key, at, tenant);
      await append([[partition, record]]);
      if (deleted || tenant === 'brim') stood.delete(key);
      else stood.set(key, record.text);
      if (chance === 4) late = [partition, record];
    }
    await sleep(3);
    history.push({ at: Date.now(), texts: [...stood.values()].sort() });
    await sleep(3);
  }
  for (const { at, texts } of history.filter((_, place) => place % 8 === 3 || place === 59)) {
    const { hits, mode } = await index.search({ query: 'Plum', tenant: 'acme-past', topK: 100, asOf: at });
    expect(hits.map(({ text }) => text).sort()).toEqual(texts);
    expect(mode).toBe('vector');
  }
}, 360_000);

test('a time beyond the horizon, or to come, is refused and says why', async () => {
  const ask = (asOf: number) => index.search({ query: 'Plum', tenant: 'acme-past', topK: 1, asOf });
  await expect(ask(Date.now() - 25 * 3_600_000)).rejects.toMatchObject({ code: 'beyond-horizon' });
  await expect(ask(Date.now() + 60_000)).rejects.toMatchObject({ code: 'request-invalid' });
  await expect(ask(Number.NaN)).rejects.toMatchObject({ code: 'request-invalid' });
  const both = { query: 'Plum', tenant: 'acme-past', topK: 1, asOf: Date.now() - 1_000, freshness: {} };
  await expect(index.search(both)).rejects.toMatchObject({ code: 'request-invalid' });
});

test('ends with whoever asked, and makes way for the next', async () => {
  const request = { query: 'Plum', tenant: 'acme-past', topK: 1, asOf: Date.now() };
  const gone = new AbortController();
  const asked = index.search(request, gone.signal);
  gone.abort();
  await expect(asked).rejects.toMatchObject({ code: 'unavailable' });
  expect((await index.search(request)).mode).toBe('vector');
});
