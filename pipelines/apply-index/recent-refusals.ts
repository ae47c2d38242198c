/** Documents that gates refused of late, as the index applied their markers: what a fresh-after read is told about a row that it will not find. */
import type { Document } from '../../schemas/records.ts';
import type { RefusedDocument } from '../../schemas/search.ts';

export interface RecentRefusals {
  /** Records that were newest when they were applied. */
  applied(records: readonly Document[]): void;
  /** A record that stood in the table at the start, read beside what is applied: as it stands now, or not at all. */
  stood(record: Document): void;
  /** Of one tenant (I9) and source, as they stand now, newest first. */
  of(tenant: string, source: string): readonly RefusedDocument[];
}

const MOST_KEPT = 5_000;
const MOST_TOLD = 20;

interface Refused {
  readonly tenant: string | null;
  readonly source: string;
  readonly told: RefusedDocument;
}

const refusedOf = ({ tenant, source, documentId, version, reason }: Document): Refused => {
  const [gate = '', why = ''] = (reason ?? '').split(': ');
  return { tenant, source, told: { documentId, version, gate, reason: why } };
};

const byVersion = (a: Refused, b: Refused): number => (a.told.version < b.told.version ? 1 : -1);

export const createRecentRefusals = (mostKept = MOST_KEPT): RecentRefusals => {
  const applied = new Map<string, Refused>();
  let stood = new Map<string, Refused>();
  return {
    applied: (records) => {
      for (const record of records) {
        applied.delete(record.documentId);
        stood.delete(record.documentId);
        if (record.kind !== 'refused') continue;
        applied.set(record.documentId, refusedOf(record));
        const [oldest] = applied.size > mostKept ? applied.keys() : [];
        if (oldest !== undefined) applied.delete(oldest);
      }
    },
    stood: (record) => {
      if (record.kind !== 'refused' || applied.has(record.documentId)) return;
      stood.set(record.documentId, refusedOf(record));
      // The newest stay, cut now and then: a table may hold many more.
      if (stood.size >= 2 * mostKept)
        stood = new Map([...stood].sort(([, a], [, b]) => byVersion(a, b)).slice(0, mostKept));
    },
    of: (tenant, source) =>
      [...applied.values(), ...stood.values()]
        .filter((each) => each.tenant === tenant && each.source === source)
        .sort(byVersion)
        .map((each) => each.told)
        .slice(0, MOST_TOLD),
  };
};
