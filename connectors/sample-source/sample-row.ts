import { placeOfRow } from './row-numbers.ts';
import type { SampleRow, SampleTable } from './sample-rows.ts';
import { writeArticle } from './write-article.ts';
import { writeIncident } from './write-incident.ts';
import { writeProduct } from './write-product.ts';

const write = {
  articles: writeArticle,
  products: writeProduct,
  incidents: writeIncident,
} as const satisfies Record<SampleTable, (seed: number, block: number, slot: number) => SampleRow>;

/** Row n of the sample, counted from 0: the same for a seed, however many rows there are and in whatever order. */
export const sampleRow = (seed: number, row: number): SampleRow => {
  const { table, block, slot } = placeOfRow(row);
  return write[table](seed, block, slot);
};
