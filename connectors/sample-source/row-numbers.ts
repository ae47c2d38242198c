import type { SampleTable } from './sample-rows.ts';
import { at } from './seeded-random.ts';

/**
 * Ten rows make a block: one product, seven articles and two incidents, all on the same product, town and tariff. So
 * every fact belongs to one block, and row n needs nothing but n.
 */
export const BLOCK_ROWS = 10;
export const BLOCK_ARTICLES = 7;
export const BLOCK_INCIDENTS = 2;

/** Where a row stands: the block, and its place among the block's rows of the same table. */
export type RowPlace = {
  readonly table: SampleTable;
  readonly id: number;
  readonly block: number;
  readonly slot: number;
};

const layout = [
  'articles',
  'products',
  'articles',
  'incidents',
  'articles',
  'articles',
  'articles',
  'incidents',
  'articles',
  'articles',
] as const satisfies readonly SampleTable[];

const perBlock = {
  articles: BLOCK_ARTICLES,
  products: 1,
  incidents: BLOCK_INCIDENTS,
} as const satisfies Record<SampleTable, number>;

/** The article that grows and shrinks: row 0, titled "Release notes". */
export const LONG_DOCUMENT_ID = 1;

/** The table and id of row n, counted from 0. */
export const placeOfRow = (row: number): RowPlace => {
  const block = Math.floor(row / BLOCK_ROWS);
  const position = row % BLOCK_ROWS;
  const table = at(layout, position);
  const slot = layout.slice(0, position).filter((other) => other === table).length;
  return { table, id: block * perBlock[table] + slot + 1, block, slot };
};

/** The row number behind a table and id: the inverse of placeOfRow. */
export const rowOfPlace = (table: SampleTable, id: number): number => {
  const block = Math.floor((id - 1) / perBlock[table]);
  let left = (id - 1) % perBlock[table];
  const position = layout.findIndex((other) => other === table && left-- === 0);
  return block * BLOCK_ROWS + position;
};

/** One block in four is never deleted by the editor: the labelled questions come from these. */
export const KEPT_BLOCK_STEP = 4;

/** SQL that is true for the rows of a table that the editor may delete. */
export const deletableCondition = (table: SampleTable): string =>
  `((id - 1) / ${perBlock[table]}) % ${KEPT_BLOCK_STEP} <> 0`;
