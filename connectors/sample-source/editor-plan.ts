import { LONG_DOCUMENT_PAGES, type LongDocumentShape } from './long-document.ts';
import type { SampleTable } from './sample-rows.ts';
import { type Random, seededRandom } from './seeded-random.ts';

export const CHANGE_KINDS = ['insert', 'update-text', 'update-other', 'delete', 'long-document'] as const;
/** update-other leaves every text alone: views of an article, price of a product, severity of an incident. */
export type ChangeKind = (typeof CHANGE_KINDS)[number];

/** What to do next. `place` in [0, 1) says where in the table, as nobody knows which ids are left. */
export type PlannedChange = {
  readonly kind: ChangeKind;
  readonly table: SampleTable;
  readonly place: number;
};

/** Between these numbers of rows the editor inserts and deletes as it likes. */
export type RowLimits = { readonly floor: number; readonly ceiling: number };

const drawKind = (random: Random): ChangeKind => {
  const drawn = random.fraction();
  if (drawn < 0.14) return 'insert';
  if (drawn < 0.56) return 'update-text';
  if (drawn < 0.82) return 'update-other';
  return drawn < 0.94 ? 'delete' : 'long-document';
};

const drawTable = (random: Random): SampleTable => {
  const drawn = random.fraction();
  if (drawn < 0.7) return 'articles';
  return drawn < 0.8 ? 'products' : 'incidents';
};

/** The change of a step, from nothing but the seed, the step and how many rows there are: never a delete at the floor. */
export const planChange = (seed: number, step: number, rows: number, limits: RowLimits): PlannedChange => {
  const random = seededRandom(seed, 'change', step);
  const kind = drawKind(random);
  const table = drawTable(random);
  const place = random.fraction();
  if (kind === 'long-document') return { kind, table: 'articles', place };
  if (kind === 'delete' && rows <= limits.floor) return { kind: 'insert', table, place };
  if (kind === 'insert' && rows >= limits.ceiling && rows > limits.floor)
    return { kind: 'delete', table, place };
  return { kind, table, place };
};

/** How the long document looks after the next change: a page or two more, or up to four fewer, between 1 and 12. */
export const nextLongDocumentShape = (
  seed: number,
  step: number,
  shape: LongDocumentShape,
): LongDocumentShape => {
  const random = seededRandom(seed, 'shape', step);
  const { fewest, most } = LONG_DOCUMENT_PAGES;
  const grows = shape.pages <= fewest || (shape.pages < most && random.chance(0.7));
  if (!grows)
    return {
      newest: shape.newest,
      pages: Math.max(fewest, Math.min(most, shape.pages) - random.integer(1, 4)),
    };
  const added = Math.min(random.integer(1, 2), most - shape.pages);
  return { newest: shape.newest + added, pages: shape.pages + added };
};
