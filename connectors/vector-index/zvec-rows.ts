/**
 * Rows and queries as this index keeps them. zvec's filters are text without parameters, so nothing a caller wrote ever
 * enters one: tenant and tags are stored and asked for as hashes of hexadecimal digits alone.
 */
import { hash } from 'node:crypto';
import {
  ZVecCollectionSchema,
  ZVecDataType,
  type ZVecDoc,
  type ZVecDocInput,
  ZVecIndexType,
  ZVecMetricType,
  ZVecQuantizeType,
  type ZVecQuery,
} from '@zvec/zvec';
import { LRUCache } from 'lru-cache';
import { FreshetError } from '../../schemas/errors.ts';
import type { VectorQuery, VectorRow } from './vector-index.ts';

/** A row with its names hashed. */
export interface HashedRow {
  readonly id: string;
  readonly vector: Float32Array;
  readonly tenant: string;
  readonly tags: readonly string[];
}

export interface HashedQuery {
  readonly vector: Float32Array;
  readonly topK: number;
  readonly tenant: string;
  readonly tags: readonly string[];
}

/** Hexadecimal digits of ids and hashes. */
export const HASH_DIGITS = 32;
const ROW_ID = /^[0-9a-f]{32}$/;
/** zvec itself fails above 1,024. */
export const MOST_HITS = 1_000;
/** Candidates kept while searching: recall@10 at 1,000,000 rows is 0.9745 with 100 and 0.9965 with 200, for 0.3 ms more (STACK.md). */
const CANDIDATES = 200;

/** Tenants and most tags come again and again; their digests cost more than all else here. */
const HASHES = new LRUCache<string, string>({ max: 20_000 });
const hashOf = (text: string): string => {
  const known = HASHES.get(text);
  if (known !== undefined) return known;
  const digits = hash('sha256', text, 'hex').slice(0, HASH_DIGITS);
  HASHES.set(text, digits);
  return digits;
};

const refuse = (message: string): never => {
  throw new FreshetError('request-invalid', message);
};

const requireVector = (vector: Float32Array, dimensions: number): void => {
  if (vector.length !== dimensions)
    refuse(`a vector of ${vector.length} dimensions for an index of ${dimensions}`);
  // A sum is finite where each part is, and quicker than asking each.
  let sum = 0;
  for (const part of vector) sum += Math.abs(part) / dimensions;
  if (!Number.isFinite(sum)) refuse('a vector with a part that is not finite');
};

/** False for ids that no row can have. */
export const isRowId = (id: string): boolean => ROW_ID.test(id);

/** Errors: `request-invalid` for another number of dimensions, parts that are not finite, or an id of another form. */
export const hashedRow = (row: VectorRow, dimensions: number): HashedRow => {
  requireVector(row.vector, dimensions);
  if (!isRowId(row.id)) refuse('the id of a row has 32 hexadecimal digits');
  // The vector is kept until the next build: the caller's may change meanwhile.
  return {
    id: row.id,
    vector: row.vector.slice(),
    tenant: hashOf(row.tenant),
    tags: [...new Set(row.tags)].map(hashOf),
  };
};

/** Errors: `request-invalid`, as hashedRow, and for a topK that is no whole number from 1 to 1,000. */
export const hashedQuery = (query: VectorQuery, dimensions: number): HashedQuery => {
  requireVector(query.vector, dimensions);
  const { vector, topK } = query;
  if (!Number.isInteger(topK) || topK < 1 || topK > MOST_HITS)
    refuse(`topK ${topK} is not from 1 to ${MOST_HITS}`);
  return { vector, topK, tenant: hashOf(query.tenant), tags: (query.tags ?? []).map(hashOf) };
};

export const graphSchema = (dimensions: number): ZVecCollectionSchema => {
  const invert = { indexType: ZVecIndexType.INVERT, enableRangeOptimization: false } as const;
  return new ZVecCollectionSchema({
    name: 'freshet_rows',
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

export const zvecRow = ({ id, vector, tenant, tags }: HashedRow): ZVecDocInput => ({
  id,
  vectors: { vector },
  fields: { tenant, tags: [...tags] },
});

/** What zvecRow made, read back. Throws where there is no vector. */
export const hashedRowOf = ({ id, vectors, fields }: ZVecDoc, dimensions: number): HashedRow => {
  const vector = Float32Array.from((vectors.vector ?? []) as ArrayLike<number>);
  if (vector.length !== dimensions) throw new Error(`row ${id} was read with ${vector.length} dimensions`);
  return { id, vector, tenant: String(fields.tenant), tags: (fields.tags ?? []) as readonly string[] };
};

/** `hits` rows are asked for: zvec rescores on float vectors only so many, so ask for more than are wanted. */
export const zvecQuery = (query: HashedQuery, hits: number): ZVecQuery => {
  const tags = query.tags.map((tag) => `'${tag}'`).join(',');
  return {
    fieldName: 'vector',
    vector: query.vector,
    topk: hits,
    filter: `tenant = '${query.tenant}'${tags === '' ? '' : ` and tags contain_all (${tags})`}`,
    outputFields: [],
    // The refiner scores on float vectors: quantization decides who is looked at, never the score.
    params: { indexType: ZVecIndexType.HNSW, ef: Math.max(CANDIDATES, hits), isUsingRefiner: true },
  };
};

/** zvec's cosine distance, 0 to 2, as similarity, 1 to -1. */
export const similarityOf = (distance: number): number => Math.min(1, Math.max(-1, 1 - distance));
