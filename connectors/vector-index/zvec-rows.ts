/**
 * Rows and queries as zvec takes them. Its filters are text without parameters, so nothing a caller wrote ever enters
 * one: tenant and tags are stored and asked for as hashes of hexadecimal digits alone.
 */
import { createHash } from 'node:crypto';
import {
  ZVecCollectionSchema,
  ZVecDataType,
  type ZVecDocInput,
  ZVecIndexType,
  ZVecMetricType,
  ZVecQuantizeType,
  type ZVecQuery,
} from '@zvec/zvec';
import { FreshetError } from '../../schemas/errors.ts';
import type { VectorQuery, VectorRow } from './vector-index.ts';

/** Raised when rows are laid out differently: another name means that the collection must be made anew. */
export const COLLECTION_NAME = 'freshet_rows_1';
const ROW_ID = /^[0-9a-f]{32}$/;

/**
 * A row of no tenant, built into the graph before all others. zvec 0.7 gives vectors to the wrong rows when it builds a
 * collection's first segment while that holds removed or rewritten rows (github.com/alibaba/zvec/issues/724, mended
 * after 0.7.0): with this row there is a built segment already, and what comes is merged with it, which is right.
 */
export const anchorRow = (dimensions: number): ZVecDocInput => ({
  id: 'anchor',
  vectors: { vector: new Float32Array(dimensions).fill(1) },
  fields: { tenant: 'none', tags: [] },
});
/** Rows that are not the caller's. */
export const ANCHOR_ROWS = 1;

/** False for ids that no row of a caller can have. */
export const isRowId = (id: string): boolean => ROW_ID.test(id);
/** Candidates kept while searching: recall@10 is 0.9745 at 1,000,000 rows with 100 and grows with it (STACK.md). */
const CANDIDATES = 100;
/** zvec itself fails above 1,024. */
const MOST_HITS = 1_000;

/** zvec rescores on float vectors only as many rows as it is asked for: more, so that the last places are right too. */
const askedOf = (topK: number): number => Math.min(MOST_HITS, 2 * topK + 10);

export const collectionSchema = (dimensions: number): ZVecCollectionSchema => {
  const invert = { indexType: ZVecIndexType.INVERT, enableRangeOptimization: false } as const;
  return new ZVecCollectionSchema({
    name: COLLECTION_NAME,
    vectors: [
      {
        name: 'vector',
        dataType: ZVecDataType.VECTOR_FP32,
        dimension: dimensions,
        indexParams: {
          indexType: ZVecIndexType.HNSW,
          metricType: ZVecMetricType.COSINE,
          m: 16,
          efConstruction: 128,
          quantizeType: ZVecQuantizeType.INT8,
        },
      },
    ],
    fields: [
      { name: 'tenant', dataType: ZVecDataType.STRING, indexParams: invert },
      { name: 'tags', dataType: ZVecDataType.ARRAY_STRING, indexParams: invert },
    ],
  });
};

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32);

const requireVector = (vector: Float32Array, dimensions: number): void => {
  if (vector.length !== dimensions) {
    throw new FreshetError(
      'request-invalid',
      `a vector of ${vector.length} dimensions for an index of ${dimensions}`,
    );
  }
  if (!vector.every(Number.isFinite))
    throw new FreshetError('request-invalid', 'a vector with a part that is not finite');
};

/** Errors: `request-invalid` for another number of dimensions, parts that are not finite, or an id of another form. */
export const zvecRow = (row: VectorRow, dimensions: number): ZVecDocInput => {
  requireVector(row.vector, dimensions);
  if (!isRowId(row.id))
    throw new FreshetError('request-invalid', 'the id of a row has 32 hexadecimal digits');
  const fields = { tenant: hashOf(row.tenant), tags: [...new Set(row.tags)].map(hashOf) };
  return { id: row.id, vectors: { vector: row.vector }, fields };
};

/** Asks for more hits than topK: cut what comes back. Errors: `request-invalid`, as zvecRow, and for a topK that is no whole number from 1 to 1,000. */
export const zvecQuery = (query: VectorQuery, dimensions: number): ZVecQuery => {
  requireVector(query.vector, dimensions);
  if (!Number.isInteger(query.topK) || query.topK < 1 || query.topK > MOST_HITS)
    throw new FreshetError('request-invalid', `topK ${query.topK}`);
  const tags = (query.tags ?? []).map((tag) => `'${hashOf(tag)}'`);
  const tagged = tags.length === 0 ? '' : ` and tags contain_all (${tags.join(',')})`;
  return {
    fieldName: 'vector',
    vector: query.vector,
    topk: askedOf(query.topK),
    filter: `tenant = '${hashOf(query.tenant)}'${tagged}`,
    outputFields: [],
    // The refiner scores the candidates on the float vectors: quantization decides who is looked at, never the score.
    params: {
      indexType: ZVecIndexType.HNSW,
      ef: Math.max(CANDIDATES, askedOf(query.topK)),
      isUsingRefiner: true,
    },
  };
};

/** zvec's cosine distance, 0 to 2, as similarity, 1 to -1. */
export const similarityOf = (distance: number): number => Math.min(1, Math.max(-1, 1 - distance));
