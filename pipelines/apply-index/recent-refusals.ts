/** Documents that gates refused of late, as the index applied their markers: what a fresh-after read is told about a row that it will not find. */
import type { Document } from '../../schemas/records.ts';
import type { RefusedDocument } from '../../schemas/search.ts';

export interface RecentRefusals {
  /** Records that were newest when they were applied. */
  applied(records: readonly Document[]): void;
  /** Of one tenant (I9) and source, as they stand now, newest first. */
  of(tenant: string, source: string): readonly RefusedDocument[];
}

const MOST_KEPT = 5_000;
const MOST_TOLD = 20;

export const createRecentRefusals = (mostKept = MOST_KEPT): RecentRefusals => {
  const refused = new Map<
    string,
    { readonly tenant: string | null; readonly source: string; readonly told: RefusedDocument }
  >();
  return {
    applied: (records) => {
      for (const { kind, documentId, tenant, source, version, reason } of records) {
        refused.delete(documentId);
        if (kind !== 'refused') continue;
        const [gate = '', why = ''] = (reason ?? '').split(': ');
        refused.set(documentId, { tenant, source, told: { documentId, version, gate, reason: why } });
        const [oldest] = refused.size > mostKept ? refused.keys() : [];
        if (oldest !== undefined) refused.delete(oldest);
      }
    },
    of: (tenant, source) =>
      [...refused.values()]
        .filter((each) => each.tenant === tenant && each.source === source)
        .map((each) => each.told)
        .sort((a, b) => (a.version < b.version ? 1 : -1))
        .slice(0, MOST_TOLD),
  };
};
