/**
 * Looks for lookalikes among what a batch let pass already, then among what is held. What is held of a document that the
 * batch has decided about is the past: deleted, refused or of another text, it is no reason to refuse one beside it.
 */
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
  /** All that was there of a table is deleted: what its ids begin with. */
  clear(prefix: string): void;
  /**
   * For a document of which a text stands already, by its fingerprint. Of two that both stand, the one of the lower id stays: each
   * would go because of the other, in two partitions even at the same moment.
   */
  besides(stands: Buffer | null): Lookalikes;
}

export const batchLookalikes = (held: HeldLookalikes): BatchLookalikes => {
  const decided = new Map<string, { readonly tenant: string; readonly fingerprint: Buffer } | null>();
  const cleared = new Set<string>();
  const isCleared = (documentId: string): boolean =>
    [...cleared].some((prefix) => documentId.startsWith(prefix));
  return {
    decide: (documentId, look) => void decided.set(documentId, look),
    clear: (prefix) => {
      cleared.add(prefix);
      for (const documentId of decided.keys())
        if (documentId.startsWith(prefix)) decided.set(documentId, null);
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
          !decided.has(id) && !isCleared(id) && !(stays && id > documentId);
        return held.find(tenant, documentId, fingerprint, leastEqualBits, counts);
      },
    }),
  };
};
