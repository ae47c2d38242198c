/**
 * Looks for lookalikes among what a batch let pass already, then among what is held. What is held of a document that the
 * batch has decided about is the past: deleted, refused or of another text, it is no reason to refuse one beside it.
 */
import { floorIdOf, placeOfDocument } from '../../schemas/document-id.ts';
import { equalBits, sameText } from '../../schemas/fingerprint.ts';
import type { Lookalike, Lookalikes } from '../gates/gate.ts';

/** `counts`: which of the documents that are held may be found. */
export interface HeldLookalikes {
  find(
    ...asked: [...Parameters<Lookalikes['find']>, counts: (documentId: string) => boolean]
  ): Lookalike | undefined;
}

export interface BatchLookalikes {
  /** What was decided about a document: null where it is none, or compared with none. */
  decide(documentId: string, look: { readonly tenant: string; readonly fingerprint: Buffer } | null): void;
  /** All that was there of a table is deleted. */
  clear(floorId: string): void;
  /**
   * For a document of which a text stands already, by its fingerprint. Of two that both stand, the one of the lower id stays: each
   * would go because of the other, in two partitions even at the same moment.
   */
  besides(stands: Buffer | null): Lookalikes;
}

export const batchLookalikes = (held: HeldLookalikes): BatchLookalikes => {
  const decided = new Map<string, { readonly tenant: string; readonly fingerprint: Buffer } | null>();
  const cleared = new Set<string>();
  const floorOf = (documentId: string): string => {
    const place = placeOfDocument(documentId);
    return place ? floorIdOf(place.source, place.table) : '';
  };
  return {
    decide: (documentId, look) => void decided.set(documentId, look),
    clear: (floorId) => {
      cleared.add(floorId);
      for (const documentId of decided.keys())
        if (floorOf(documentId) === floorId) decided.set(documentId, null);
    },
    besides: (stands) => ({
      find: (tenant, documentId, fingerprint, leastEqualBits) => {
        const alike = (other: Buffer): boolean =>
          sameText(fingerprint, other) || equalBits(fingerprint, other) >= leastEqualBits;
        for (const [id, other] of decided) {
          if (other?.tenant === tenant && id !== documentId && alike(other.fingerprint))
            return { documentId: id, same: sameText(fingerprint, other.fingerprint) };
        }
        const stays = stands !== null && alike(stands);
        const counts = (id: string): boolean =>
          !decided.has(id) && !cleared.has(floorOf(id)) && !(stays && id > documentId);
        return held.find(tenant, documentId, fingerprint, leastEqualBits, counts);
      },
    }),
  };
};
