/** Hits of retrievals as numbered passages: one number per chunk and version in an execution, so that a citation is unambiguous. */
import type { Passage } from '../../connectors/models/language/passages.ts';
import type { SearchResponse } from '../../schemas/search.ts';

export interface RetrievedPassage extends Passage {
  /** Index of the chunk in its document. */
  readonly chunk: number;
}

/** True for what a search answers, be it the runtime's own retrieval or a tool's output. */
export const isSearchResponse = (value: unknown): value is SearchResponse => {
  if (typeof value !== 'object' || value === null) return false;
  const { hits, receipt } = value as { readonly hits?: unknown; readonly receipt?: unknown };
  return (
    Array.isArray(hits) &&
    typeof receipt === 'object' &&
    receipt !== null &&
    hits.every(
      (hit: unknown) =>
        typeof hit === 'object' &&
        hit !== null &&
        'documentId' in hit &&
        'text' in hit &&
        typeof hit.text === 'string' &&
        'version' in hit,
    )
  );
};

/** The hits as passages, known ones under their old number, and all passages with the new ones. */
export const numberPassages = (
  known: readonly RetrievedPassage[],
  response: SearchResponse,
): { readonly all: readonly RetrievedPassage[]; readonly found: readonly RetrievedPassage[] } => {
  const all = [...known];
  const found: RetrievedPassage[] = [];
  for (const hit of response.hits) {
    let passage = all.find(
      (each) =>
        each.documentId === hit.documentId && each.chunk === hit.chunk && each.version === hit.version,
    );
    if (!passage) {
      const { documentId, chunk, version, title, text } = hit;
      const ageMs = Number.isFinite(hit.ageMs) ? Math.max(0, Math.round(hit.ageMs)) : null;
      passage = { number: all.length + 1, documentId, chunk, version, title, text, ageMs };
      all.push(passage);
    }
    found.push(passage);
  }
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
