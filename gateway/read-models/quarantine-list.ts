/** Documents that stand in quarantine: the newest refusal of each, until it passes, is deleted, or a person gives it up. */
import type { Quarantined } from '../../schemas/records.ts';
import { type Counted, countedBy } from './counted-by.ts';

export interface QuarantineFilter {
  readonly gate?: string | undefined;
  readonly reason?: string | undefined;
  readonly source?: string | undefined;
  readonly table?: string | undefined;
  readonly tenant?: string | undefined;
}

export interface QuarantineList {
  add(record: Quarantined): void;
  /** Newest first. */
  list(
    limit: number,
    filter?: QuarantineFilter,
  ): {
    readonly held: number;
    /** Older ones that stand and are not held, of the filter's tenant, whatever else it says. */
    readonly beyond: number;
    readonly groups: readonly Counted[];
    readonly items: readonly Quarantined[];
  };
  get(documentId: string): Quarantined | undefined;
  all(): readonly Quarantined[];
  /** All that stand, held or not. */
  standing(): number;
  /** When it last changed, microseconds since the Unix epoch; null: nothing was ever in it. */
  changedAt(): number | null;
  clear(): void;
}

const MAX_HELD = 10_000;
/** Of those that are not held, an id and a tenant. */
const MAX_COUNTED = 500_000;
const FIELDS = ['gate', 'reason', 'source', 'table', 'tenant'] as const;

export const matchesQuarantine = (filter: QuarantineFilter, each: Quarantined): boolean =>
  FIELDS.every((field) => filter[field] === undefined || each[field] === filter[field]);

export const createQuarantineList = (max = MAX_HELD): QuarantineList => {
  const held = new Map<string, Quarantined>();
  const beyond = new Map<string, string | null>();
  let changedAt: number | null = null;
  const countBeyond = (tenant: string | undefined): number =>
    tenant === undefined ? beyond.size : [...beyond.values()].filter((each) => each === tenant).length;
  const matching = (filter: QuarantineFilter): readonly Quarantined[] =>
    [...held.values()].filter((each) => matchesQuarantine(filter, each));
  return {
    add: (record) => {
      changedAt = Math.max(changedAt ?? 0, record.at);
      held.delete(record.documentId);
      beyond.delete(record.documentId);
      if (record.outcome !== 'refused') return;
      held.set(record.documentId, record);
      const [oldest] = held.values();
      if (held.size <= max || !oldest) return;
      held.delete(oldest.documentId);
      if (beyond.size < MAX_COUNTED) beyond.set(oldest.documentId, oldest.tenant);
    },
    list: (limit, filter = {}) => {
      const found = matching(filter);
      return {
        held: found.length,
        beyond: countBeyond(filter.tenant),
        groups: countedBy(found, ({ gate, reason }) => `${gate}: ${reason}`),
        items: found.slice(-limit).reverse(),
      };
    },
    get: (documentId) => held.get(documentId),
    all: () => [...held.values()],
    standing: () => held.size + beyond.size,
    changedAt: () => changedAt,
    clear: () => {
      changedAt = null;
      held.clear();
      beyond.clear();
    },
  };
};
