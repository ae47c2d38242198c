/** A search over one generation of the index: only rows that a visible document points to become hits. */
import type { EmbeddingCache } from '../../connectors/models/embedding/embedding-cache.ts';
import type { VectorHit } from '../../connectors/vector-index/vector-index.ts';
import type { Clock } from '../../schemas/clock.ts';
import { FreshetError } from '../../schemas/errors.ts';
import type { RefusedDocument, SearchHit, SearchRequest, SearchResponse } from '../../schemas/search.ts';
import type { IndexGeneration } from './apply-documents.ts';
import { tagOf } from './index-rows.ts';
import { type ReceiptBasis, receiptOf } from './receipt.ts';

export interface SearchSettings {
  readonly generation: IndexGeneration;
  readonly embedding: Pick<EmbeddingCache, 'forTenant'>;
  /** Taken before the search. */
  readonly basis: () => ReceiptBasis;
  readonly refused: (tenant: string, source: string) => readonly RefusedDocument[];
  readonly clock: Clock;
}

const MAX_TOP_K = 100;
const MAX_QUERY_CHARACTERS = 10_000;
/** Rows asked for beyond topK, for those that an update under way has just made invisible. */
const SPARE_ROWS = 8;
const ATTEMPTS = 3;

/** Throws `request-invalid` naming what is wrong. */
export const checkSearch = (request: SearchRequest): void => {
  const invalid = (message: string): never => {
    throw new FreshetError('request-invalid', message);
  };
  if (typeof request.query !== 'string' || request.query.trim() === '') invalid('query must be a text');
  if (request.query.length > MAX_QUERY_CHARACTERS)
    invalid(`query has ${request.query.length} characters, at most ${MAX_QUERY_CHARACTERS}`);
  if (!Number.isInteger(request.topK) || request.topK < 1 || request.topK > MAX_TOP_K)
    invalid(`topK must be a whole number from 1 to ${MAX_TOP_K}`);
  if (typeof request.tenant !== 'string' || request.tenant === '') invalid('tenant must be given');
  for (const [name, value] of Object.entries(request.filter ?? {})) {
    if (typeof value !== 'string')
      invalid(`filter ${name} must be a text to be equal to; there are no operators`);
  }
};

const visibleHit = (
  { table }: IndexGeneration,
  tenant: string,
  { id, score }: VectorHit,
  now: number,
): SearchHit | undefined => {
  const origin = table.origin(id);
  const record = origin && table.get(origin.partition, origin.documentId)?.record;
  const chunk = record?.chunks[origin?.chunk ?? -1];
  // The engine has filtered by tenant already; what leaves this function is checked once more (I9).
  if (!origin || !record || !chunk || record.tenant !== tenant) return undefined;
  return {
    documentId: record.documentId,
    chunk: origin.chunk,
    title: record.title,
    text: record.text.slice(chunk.start, chunk.end),
    score,
    metadata: { ...record.metadata, source: record.source, table: record.table },
    version: record.version,
    ageMs: Math.max(0, Math.round((now - record.timing.committedAt) / 1_000)),
  };
};

/** Errors: `request-invalid`, `model-failed`, `index-unavailable`. */
export const searchIndex = async (
  settings: SearchSettings,
  request: SearchRequest,
): Promise<SearchResponse> => {
  checkSearch(request);
  const [vector] = await settings.embedding.forTenant(request.tenant).embed([request.query], {
    purpose: 'query',
  });
  if (!vector || vector.length === 0)
    throw new FreshetError('request-invalid', 'the embedding model does not take this query');
  const tags = Object.entries(request.filter ?? {}).map(([name, value]) => tagOf(name, value));
  const basis = settings.basis();
  let hits: readonly SearchHit[] = [];
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const rows = await settings.generation.index.query({
      vector,
      topK: request.topK + SPARE_ROWS * attempt,
      tenant: request.tenant,
      tags,
    });
    const now = settings.clock();
    const found = rows.map((row) => visibleHit(settings.generation, request.tenant, row, now));
    hits = found.filter((hit) => hit !== undefined).slice(0, request.topK);
    // A row without a document belongs to an update under way: the rows that replace it may have come after the query.
    if (!found.slice(0, request.topK).includes(undefined)) break;
  }
  const after = request.freshness?.after;
  const refused = after ? settings.refused(request.tenant, after.source) : [];
  return { hits, receipt: receiptOf(basis, request, hits, refused) };
};
