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

/** As many as a search can be asked for. */
const MOST_HITS = 100;
/** Of the JSON of such an answer, with room to spare. */
const MOST_CHARACTERS = 1024 * 1024;

/** Whether what a tool answered, in the shape of a search, is no more than a search answers; what is more is an output like any other. */
export const isOfSearchSize = ({ hits }: SearchResponse, text: string): boolean =>
  hits.length <= MOST_HITS && text.length <= MOST_CHARACTERS;

/**
 * The hits as passages, known ones under their old number, and all passages with the new ones. A passage that is found again has the
 * age and the marks of the last time: what was good may be stale by then.
 */
export const numberPassages = (
  known: readonly RetrievedPassage[],
  { hits, receipt }: SearchResponse,
): { readonly all: readonly RetrievedPassage[]; readonly found: readonly RetrievedPassage[] } => {
  const all = [...known];
  const places = new Map<string, Map<unknown, number>>();
  // By chunk as it is: what a tool of others answers may name it by anything.
  const placesOf = ({
    documentId,
    version,
  }: Pick<Passage, 'documentId' | 'version'>): Map<unknown, number> => {
    const name = JSON.stringify([documentId, version]);
    const chunks = places.get(name) ?? new Map<unknown, number>();
    places.set(name, chunks);
    return chunks;
  };
  for (const [place, passage] of known.entries()) placesOf(passage).set(passage.chunk, place);
  const found = hits.map((hit) => {
    const { chunk } = hit;
    const chunks = placesOf(hit);
    const place = chunks.get(chunk) ?? all.length;
    chunks.set(chunk, place);
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
