/** Decides whether what an index holds of a row is what it should. Pure. */
import type { HeldDocument } from '../../connectors/index-service/index-service.ts';

/**
 * missing: the row makes a document and the index has none. different: it has another. extra: it has one and the row makes
 * none, or is gone. unfindable: the document is right and its rows in the vectors are lost.
 */
export const DIVERGENCES = ['missing', 'different', 'extra', 'unfindable'] as const;
export type Divergence = (typeof DIVERGENCES)[number];

/**
 * Refusals that a row alone does not explain: they go by other documents, by vectors, by the size of a record, or by what a
 * person decided. Where such a marker stands, the row making a document is no divergence.
 */
const NOT_OF_THE_ROW = /^(?:duplicates|embedding|person|length: too-many-bytes)\b/;

/** `expected`: a digest; null for a row that makes no document; undefined for a row that is not there. */
export const divergenceOf = (
  expected: string | null | undefined,
  held: Pick<HeldDocument, 'kind' | 'digest' | 'vectorsMissing' | 'refusal' | 'searchable'> | undefined,
): Divergence | undefined => {
  // What a refused row keeps of before goes with the row.
  if (expected === undefined) return held?.searchable ? 'extra' : undefined;
  if (expected === null) return held?.kind === 'document' ? 'extra' : undefined;
  if (held && NOT_OF_THE_ROW.test(held.refusal ?? '')) return undefined;
  if (held?.kind !== 'document') return 'missing';
  if (held.digest !== expected) return 'different';
  return held.vectorsMissing > 0 ? 'unfindable' : undefined;
};

/** The values of a key, as text and in the order of the primary key, of a document's id. */
export const keyOfDocumentId = (documentId: string, keyColumns: readonly string[]): readonly string[] => {
  const values = (documentId.split('/')[2] ?? '').split(',').map(decodeURIComponent);
  // An id has them in the order of the columns' names.
  const sorted = [...keyColumns].sort();
  return keyColumns.map((name) => values[sorted.indexOf(name)] ?? '');
};
