/** Caps and depth of a search, over rankings that are given: what stands further down is found, however much a cap leaves out above it. */
import { expect, test } from 'vitest';
import { bytesOfVector } from '../../../connectors/vector-index/vector-codec.ts';
import type { IndexGeneration } from '../../../pipelines/apply-index/apply-documents.ts';
import { rowIdOf } from '../../../pipelines/apply-index/index-rows.ts';
import { type SearchSettings, searchIndex } from '../../../pipelines/apply-index/search-index.ts';
import type { Document } from '../../../schemas/records.ts';
import type { SearchRequest } from '../../../schemas/search.ts';

const MODEL = 'm';
const vectorAt = (nearness: number) => Float32Array.of(nearness, Math.sqrt(1 - nearness * nearness));

const documentOf = (source: string, key: number, chunks: number, nearness: number): Document => ({
  ...{ kind: 'document', documentId: `${source}/t/${key}`, source, table: 't', version: 'v', model: MODEL },
  ...{ tenant: 'acme', title: '', text: 'abc', metadata: {}, reason: null, flags: [], stale: null },
  fingerprint: null,
  carried: {},
  timing: { committedAt: 0, capturedAt: 0, inKafkaAt: 0, gatedAt: 0, embeddedAt: 0 },
  change: { topic: 'cdc.x', partition: 0, offset: 0 },
  chunks: Array.from({ length: chunks }, (_, chunk) => ({
    ...{ start: 0, end: 3, hash: `${source}${key}-${chunk}` },
    vector: bytesOfVector(vectorAt(nearness)),
  })),
});

/** A document of 120 parts, all of them nearer than any of 20 others. */
const DOCUMENTS = [
  documentOf('a', 0, 120, 0.9),
  ...Array.from({ length: 20 }, (_, key) => documentOf('b', key + 1, 1, 0.8 - key / 100)),
];
const ROWS = DOCUMENTS.flatMap((document) =>
  document.chunks.map(({ hash }, chunk) => ({ id: rowIdOf(document, hash), document, chunk })),
);

const search = (request: Partial<SearchRequest>, asked: number[] = []) => {
  const query = async ({ topK }: { readonly topK: number }) => {
    asked.push(topK);
    return ROWS.slice(0, topK).map(({ id }) => ({ id, score: 1 }));
  };
  const generation = {
    table: {
      origin: (id: string) => {
        const row = ROWS.find((each) => each.id === id);
        return row && { partition: 0, documentId: row.document.documentId, chunk: row.chunk };
      },
      get: (_: number, id: string) => ({ record: DOCUMENTS.find(({ documentId }) => documentId === id) }),
    },
    index: { query },
    keywords: { query },
  } as unknown as IndexGeneration;
  const settings: SearchSettings = {
    generation,
    keywordsReady: () => true,
    embedding: { forTenant: () => ({ embed: async () => [vectorAt(1)] }) } as never,
    basis: () =>
      ({ index: 'i', model: MODEL, at: 0, watermarks: {}, newestApplied: {}, targetMs: 1 }) as never,
    clock: () => 1,
    clockOffset: () => 0,
  };
  return searchIndex(settings, { query: 'q', tenant: 'acme', topK: 10, ...request });
};

test.each<[string, Partial<SearchRequest>, number]>([
  ['by vectors', { mode: 'vector' }, 3],
  ['by words', { mode: 'keyword' }, 3],
  ['by both', { mode: 'hybrid' }, 3],
  ['with a cap of one per document', { mode: 'vector', maxPerDocument: 1 }, 1],
])('%s, a long document fills no more of the answer than its cap', async (_, request, most) => {
  const { hits } = await search(request);
  expect(hits).toHaveLength(10);
  expect(hits.filter(({ documentId }) => documentId === 'a/t/0')).toHaveLength(most);
});

test('what no cap lets in is looked for as far as there are rows, and no further', async () => {
  const asked: number[] = [];
  const { hits } = await search({ mode: 'vector', maxPerSource: 2 }, asked);
  expect(hits.map(({ documentId }) => documentId)).toEqual(['a/t/0', 'a/t/0', 'b/t/1', 'b/t/2']);
  expect(asked.at(-1)).toBeGreaterThan(ROWS.length);
});
