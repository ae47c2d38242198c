/** Looks for lookalikes among what a batch let pass already, then among what is held. */
import { equalBits, sameText } from '../../schemas/fingerprint.ts';
import type { Lookalikes } from '../gates/gate.ts';

export interface BatchLookalikes extends Lookalikes {
  add(tenant: string, documentId: string, fingerprint: Buffer | null): void;
}

export const batchLookalikes = (held: Lookalikes): BatchLookalikes => {
  const passed = new Map<string, { readonly tenant: string; readonly fingerprint: Buffer }>();
  return {
    add: (tenant, documentId, fingerprint) => {
      if (fingerprint) passed.set(documentId, { tenant, fingerprint });
      else passed.delete(documentId);
    },
    find: (tenant, documentId, fingerprint, leastEqualBits) => {
      for (const [id, other] of passed) {
        if (other.tenant !== tenant || id === documentId) continue;
        const same = sameText(fingerprint, other.fingerprint);
        if (same || equalBits(fingerprint, other.fingerprint) >= leastEqualBits)
          return { documentId: id, same };
      }
      return held.find(tenant, documentId, fingerprint, leastEqualBits);
    },
  };
};
