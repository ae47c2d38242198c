/** Lookalikes among what a dry run has seen, in memory: the newest so many, found as the document table finds them. */
import { bandsOf, equalBits, sameText } from '../../schemas/fingerprint.ts';
import type { Lookalikes } from '../gates/gate.ts';

export interface MemoryLookalikes extends Lookalikes {
  add(tenant: string, documentId: string, fingerprint: Buffer): void;
  forget(documentId: string): void;
}

const MOST_DOCUMENTS = 200_000;
const MOST_LOOKED_AT = 64;

export const memoryLookalikes = (): MemoryLookalikes => {
  const seen = new Map<string, { readonly keys: readonly string[]; readonly fingerprint: Buffer }>();
  const byKey = new Map<string, Set<string>>();
  const keysOf = (tenant: string, fingerprint: Buffer): readonly string[] =>
    [`=${fingerprint.toString('hex', 0, 8)}`, ...bandsOf(fingerprint)].map((key) => `${tenant}\0${key}`);
  const forget = (documentId: string): void => {
    for (const key of seen.get(documentId)?.keys ?? []) {
      const ids = byKey.get(key);
      ids?.delete(documentId);
      if (ids?.size === 0) byKey.delete(key);
    }
    seen.delete(documentId);
  };
  return {
    forget,
    add: (tenant, documentId, fingerprint) => {
      forget(documentId);
      const keys = keysOf(tenant, fingerprint);
      seen.set(documentId, { keys, fingerprint });
      for (const key of keys) byKey.set(key, (byKey.get(key) ?? new Set()).add(documentId));
      const [oldest] = seen.keys();
      if (seen.size > MOST_DOCUMENTS && oldest !== undefined) forget(oldest);
    },
    find: (tenant, documentId, fingerprint, leastEqualBits) => {
      for (const key of keysOf(tenant, fingerprint)) {
        let looked = 0;
        for (const id of byKey.get(key) ?? []) {
          if (id === documentId) continue;
          const other = seen.get(id);
          if (!other) continue;
          const same = sameText(fingerprint, other.fingerprint);
          if (same || equalBits(fingerprint, other.fingerprint) >= leastEqualBits)
            return { documentId: id, same };
          looked += 1;
          if (looked >= MOST_LOOKED_AT) break;
        }
      }
      return undefined;
    },
  };
};
