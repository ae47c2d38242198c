/** Hits of retrievals as numbered passages: one number per chunk and version in an execution, so that a citation is unambiguous. */
import { type Passage, passageOfHit } from '../../connectors/models/language/passages.ts';
import type { SearchResponse } from '../../schemas/search.ts';

export interface RetrievedPassage extends Passage {
  /** Index of the chunk in its document. */
  readonly chunk: number;
}

/**
 * True for what a search answers, be it the runtime's own retrieval or a tool's output. A tool of others can answer anything: what
 * is not wholly of this shape is an output like any other.
 */
export const isSearchResponse = (value: unknown): value is SearchResponse => {
  if (!isObject(value) || !isObject(value.receipt)) return false;
  const { hits, receipt } = value;
  return (
    Array.isArray(hits) &&
    isObject(receipt.watermarks) &&
    Object.values(receipt.watermarks).every((mark) => isObject(mark) && isObject(mark.heldTables)) &&
    isObject(receipt.newestApplied) &&
    hits.every(
      (hit: unknown) =>
        isObject(hit) &&
        ['documentId', 'version', 'title', 'text'].every((field) => typeof hit[field] === 'string'),
    )
  );
};

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

/**
 * The hits as passages, known ones under their old number, and all passages with the new ones. A passage that is found again has the
 * age and the marks of the last time: what was good may be stale by then.
 */
export const numberPassages = (
  known: readonly RetrievedPassage[],
  { hits, receipt }: SearchResponse,
): { readonly all: readonly RetrievedPassage[]; readonly found: readonly RetrievedPassage[] } => {
  const all = [...known];
  const found = hits.map((hit) => {
    const { chunk } = hit;
    const before = all.findIndex(
      (each) => each.documentId === hit.documentId && each.chunk === chunk && each.version === hit.version,
    );
    const place = before < 0 ? all.length : before;
    const passage = { ...passageOfHit(hit, place + 1, receipt.at), chunk };
    all[place] = passage;
    return passage;
  });
  return { all, found };
};

/** The passages that a text cites as [1], [2], …, in order of number. */
export const citedPassages = (
  text: string,
  passages: readonly RetrievedPassage[],
): readonly RetrievedPassage[] => {
  const numbers = new Set(Array.from(text.matchAll(/\[(\d{1,4})\]/g), ([, number]) => Number(number)));
  return passages.filter((passage) => numbers.has(passage.number));
};
