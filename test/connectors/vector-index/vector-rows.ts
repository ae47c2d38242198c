/** Rows for the tests of vector indexes: seeded, so that a failing run can be run again. */
import { createHash } from 'node:crypto';
import type { RowPlace, VectorRow } from '../../../connectors/vector-index/vector-index.ts';

/** Graphs of both levels come and go within a second of writing. */
export const OFTEN_BUILT = { buildAfterRows: 250, smallBesideRows: 500 };

/** A row is removed when so many came behind it: it stands in the large graph by then. */
export const OLD = 1_500;

export const DIMENSIONS = 32;

export const rowId = (name: string | number): string =>
  createHash('sha256').update(String(name)).digest('hex').slice(0, 32);

export const placeOf = (name: string | number, tenant: string | null = 'acme'): RowPlace => ({
  id: rowId(name),
  tenant,
});

/** Parts between -1 and 1. */
export const vectorOf = (seed: number, dimensions = DIMENSIONS): Float32Array => {
  let state = (seed + 1) * 2_654_435_761;
  return Float32Array.from({ length: dimensions }, () => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 3_266_489_917) >>> 0;
    return state / 2 ** 31 - 1;
  });
};

export const rowOf = (seed: number, tenant = 'acme', tags: readonly string[] = []): VectorRow => ({
  id: rowId(seed),
  vector: vectorOf(seed),
  tenant,
  tags,
});

export const rowsOf = (count: number, tenant = 'acme', from = 0): readonly VectorRow[] =>
  Array.from({ length: count }, (_, index) => rowOf(from + index, tenant));

export const cosine = (a: Float32Array, b: Float32Array): number => {
  let dot = 0;
  let squaresA = 0;
  let squaresB = 0;
  a.forEach((part, index) => {
    const other = b[index] ?? 0;
    dot += part * other;
    squaresA += part * part;
    squaresB += other * other;
  });
  return dot / Math.sqrt(squaresA * squaresB);
};

/** What an exact search answers. */
export const nearest = (rows: readonly VectorRow[], vector: Float32Array, count: number): readonly string[] =>
  rows
    .map(({ id, vector: held }) => ({ id, score: cosine(held, vector) }))
    .sort((a, b) => b.score - a.score)
    .slice(0, count)
    .map(({ id }) => id);

export const collect = async <T>(items: AsyncIterable<T>): Promise<readonly T[]> => {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
};
