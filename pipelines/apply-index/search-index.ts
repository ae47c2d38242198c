/** A search over one generation of the index: only rows that a visible document points to become hits. */
import type { ChunkOrigin } from '../../connectors/document-table/document-table.ts';
import { vectorOfBytes } from '../../connectors/vector-index/vector-codec.ts';
import type { Clock } from '../../schemas/clock.ts';
import { placeOfDocument } from '../../schemas/document-id.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { spaceOfDocument, spaceOfSearch } from '../../schemas/memory-source.ts';
import type { SearchHit, SearchMode, SearchRequest, SearchResponse } from '../../schemas/search.ts';
import type { IndexGeneration } from './apply-documents.ts';
import { checkSearch } from './check-search.ts';
import { cosineOf } from './cosine.ts';
import { capHits, fuseRankings } from './fuse-hits.ts';
import { tagOf } from './index-rows.ts';
import { type ReceiptBasis, receiptOf } from './receipt.ts';
import { NONE_REFUSED, toldRefusals } from './told-refusals.ts';

export interface SearchSettings {
  readonly generation: IndexGeneration;
  /** Whether the keyword index holds everything by now. */
  readonly keywordsReady: () => boolean;
  /** Of the query, made before the generation was taken: it may take seconds. */
  readonly vector: Float32Array;
  /** Taken at once, with the generation: one that was read behind a switch would be newer than the hits (I6). */
  readonly basis: () => ReceiptBasis;
  readonly clock: Clock;
  /** The clock of a source less ours, microseconds, as far as it is known. */
  readonly clockOffset: (source: string) => number;
}

const MAX_PER_DOCUMENT = 3;
/** Rows asked for beyond topK, for those that an update under way has just made invisible. */
const SPARE_ROWS = 8;
/** Where a cap leaves rows out, or two rankings are fused, the good ones may stand further down: so much further is looked. */
const DEPTH = 4;
const LEAST_DEPTH = 30;
const MOST_ROWS = 1_000;
const ATTEMPTS = 3;

interface Candidate {
  readonly documentId: string;
  readonly source: string;
  readonly origin: ChunkOrigin;
}

/** Rows that a document points to, as far as its id says: nothing of it is decoded. */
function* candidatesOf(
  { table }: IndexGeneration,
  ranked: readonly string[],
  onGone: () => void,
): Generator<Candidate> {
  for (const id of ranked) {
    const origin = table.origin(id);
    const place = origin && placeOfDocument(origin.documentId);
    if (origin && place) yield { documentId: origin.documentId, source: place.source, origin };
    else onGone();
  }
}

const visibleHit = (
  { table }: IndexGeneration,
  space: string,
  { vector, model }: { readonly vector: Float32Array; readonly model: string },
  origin: ChunkOrigin,
  now: (source: string) => number,
): SearchHit | undefined => {
  const record = table.get(origin.partition, origin.documentId)?.record;
  const chunk = record?.chunks[origin.chunk];
  // The engines have filtered by tenant already; what leaves this function is checked once more (I9).
  if (!record || !chunk || spaceOfDocument(record) !== space) return undefined;
  // Vectors of another model say nothing about this query: a log whose model was changed in the configuration alone.
  if (record.model !== model) return undefined;
  const { documentId, source } = record;
  return {
    documentId,
    chunk: origin.chunk,
    title: record.title,
    text: record.text.slice(chunk.start, chunk.end),
    score: cosineOf(vector, vectorOfBytes(chunk.vector)),
    metadata: { ...record.metadata, source, table: record.table },
    version: record.stale?.version ?? record.version,
    model: record.model,
    ageMs: Math.max(
      0,
      Math.round((now(source) - (record.stale?.committedAt ?? record.timing.committedAt)) / 1_000),
    ),
    ...(record.stale ? { stale: { since: record.stale.since, reason: record.reason ?? '' } } : {}),
    ...(record.flags.length > 0 ? { flags: record.flags } : {}),
  };
};

/** Errors: `request-invalid`, `index-unavailable`; `unavailable` where words alone were asked for and none are held. */
export const searchIndex = async (
  settings: SearchSettings,
  request: SearchRequest,
): Promise<SearchResponse> => {
  checkSearch(request);
  const { generation, vector } = settings;
  const { query, topK, tenant, mode = 'hybrid' } = request;
  const space = spaceOfSearch(request);
  const tags = Object.entries(request.filter ?? {}).map(([name, value]) => tagOf(name, value));
  const basis = settings.basis();
  const limits = {
    topK,
    maxPerDocument: request.maxPerDocument ?? MAX_PER_DOCUMENT,
    maxPerSource: request.maxPerSource,
  };
  let depth =
    mode === 'hybrid' || limits.maxPerSource !== undefined || limits.maxPerDocument < MAX_PER_DOCUMENT
      ? Math.max(LEAST_DEPTH, DEPTH * topK)
      : topK;

  const byVector = async (rows: number): Promise<readonly string[]> =>
    (await generation.index.query({ vector, topK: rows, tenant: space, tags })).map(({ id }) => id);
  const byWords = async (rows: number): Promise<readonly string[] | undefined> => {
    if (mode === 'vector' || !settings.keywordsReady()) return undefined;
    const hits = await generation.keywords?.query({ text: query, tenant: space, tags, topK: rows });
    return hits?.map(({ id }) => id);
  };

  let hits: readonly SearchHit[] = [];
  let answeredBy: SearchMode = mode;
  for (let attempt = 1; ; ) {
    const rows = Math.min(MOST_ROWS, depth + SPARE_ROWS * attempt);
    const [near, worded] = await Promise.all([mode === 'keyword' ? [] : byVector(rows), byWords(rows)]);
    if (mode === 'keyword' && !worded)
      throw new FreshetError(
        'unavailable',
        'the keyword index does not answer yet, all words of this query are in too many rows, or this tenant is too large for its memory; search with mode "vector"',
      );
    if (mode === 'hybrid') answeredBy = worded ? 'hybrid' : 'vector';
    const at = settings.clock();
    // Commit times are by the source's clock, and so is the moment they are held against.
    const now = (source: string): number => at + settings.clockOffset(source);
    const ranked = worded && mode === 'hybrid' ? fuseRankings([near, worded]) : (worded ?? near);
    let gone = 0;
    const onGone = (): void => {
      gone += 1;
    };
    // Looked up one by one as they are needed: a record is decoded whole, vectors too.
    hits = capHits(candidatesOf(generation, ranked, onGone), limits, ({ origin }) => {
      const hit = visibleHit(generation, space, { vector, model: basis.model }, origin, now);
      if (!hit) onGone();
      return hit;
    });
    const goOn = near.length >= rows || (worded?.length ?? 0) >= rows;
    // A long document, or one source, may hold all of the best rows: what its cap lets in stands further down.
    if (hits.length < topK && goOn && rows < MOST_ROWS) depth *= DEPTH;
    // A row without a document belongs to an update under way: the rows that replace it may have come after the query.
    else if (gone > 0 && attempt < ATTEMPTS) attempt += 1;
    else break;
  }
  const after = request.freshness?.after;
  const told = after
    ? toldRefusals(generation.table.refusals(tenant, after.source), after.position, request.filter)
    : NONE_REFUSED;
  return { hits, mode: answeredBy, receipt: receiptOf(basis, request, hits, told) };
};
