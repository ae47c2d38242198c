/** A search over documents in the order of a ranking that is given, as vectors and words would both find them: no engine, no model. */
import { bytesOfVector } from '../../../connectors/vector-index/vector-codec.ts';
import type { IndexGeneration } from '../../../pipelines/apply-index/apply-documents.ts';
import { rowIdOf } from '../../../pipelines/apply-index/index-rows.ts';
import { type SearchSettings, searchIndex } from '../../../pipelines/apply-index/search-index.ts';
import type { Document } from '../../../schemas/records.ts';
import type { SearchRequest, SearchResponse } from '../../../schemas/search.ts';

const MODEL = 'm';
const vectorAt = (nearness: number) => Float32Array.of(nearness, Math.sqrt(1 - nearness * nearness));

export const documentOf = (
  source: string,
  key: number,
  chunks: number,
  nearness: number,
  text = 'abc',
): Document => ({
  ...{ kind: 'document', documentId: `${source}/t/${key}`, source, table: 't', version: 'v', model: MODEL },
  ...{ tenant: 'acme', title: '', text, metadata: {}, reason: null, flags: [], stale: null },
  fingerprint: null,
  carried: {},
  timing: { committedAt: 0, capturedAt: 0, inKafkaAt: 0, gatedAt: 0, embeddedAt: 0, basis: 'commit' },
  change: { topic: 'cdc.x', partition: 0, offset: 0 },
  chunks: Array.from({ length: chunks }, (_, chunk) => ({
    ...{ start: 0, end: text.length, hash: `${source}${key}-${chunk}` },
    vector: bytesOfVector(vectorAt(nearness)),
  })),
});

export const settingsOver = (documents: readonly Document[], asked: number[] = []): SearchSettings => {
  const rows = documents.flatMap((document) =>
    document.chunks.map(({ hash }, chunk) => ({ id: rowIdOf(document, hash), document, chunk })),
  );
  const query = async ({ topK }: { readonly topK: number }) => {
    asked.push(topK);
    return rows.slice(0, topK).map(({ id }) => ({ id, score: 1 }));
  };
  const generation = {
    table: {
      origin: (id: string) => {
        const row = rows.find((each) => each.id === id);
        return row && { partition: 0, documentId: row.document.documentId, chunk: row.chunk };
      },
      get: (_: number, id: string) => ({ record: documents.find(({ documentId }) => documentId === id) }),
    },
    index: { query },
    keywords: { query },
  } as unknown as IndexGeneration;
  return {
    generation,
    keywordsReady: () => true,
    vector: vectorAt(1),
    basis: () =>
      ({ index: 'i', model: MODEL, at: 0, watermarks: {}, newestApplied: {}, targetMs: 1 }) as never,
    clock: () => 1,
    clockOffset: () => 0,
  };
};

/** `documents`: best first. `asked` is told how many rows each look asked for. */
export const searchOver = (documents: readonly Document[], asked: number[] = []) => {
  const settings = settingsOver(documents, asked);
  return (request: Partial<SearchRequest>): Promise<SearchResponse> =>
    searchIndex(settings, { query: 'q', tenant: 'acme', topK: 10, ...request });
};
