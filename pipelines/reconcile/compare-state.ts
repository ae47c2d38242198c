/** Decides whether what an index holds of a row is what it should. Pure. */
import type { HeldDocument } from '../../connectors/index-service/index-service.ts';

/**
 * missing: the row makes a document and the index has none. different: it has another. extra: it has one and the row makes
 * none, or is gone. unfindable: the document is right and its rows in the vectors are lost.
 */
export const DIVERGENCES = ['missing', 'different', 'extra', 'unfindable'] as const;
export type Divergence = (typeof DIVERGENCES)[number];

/** `expected`: a digest; null for a row that makes no document; undefined for a row that is not there. */
export const divergenceOf = (
  expected: string | null | undefined,
  held: Pick<HeldDocument, 'kind' | 'digest' | 'vectorsMissing'> | undefined,
): Divergence | undefined => {
  const searchable = held?.kind === 'document';
  if (expected === null || expected === undefined) return searchable ? 'extra' : undefined;
  if (!held || !searchable) return 'missing';
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
