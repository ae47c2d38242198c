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
    readonly groups: readonly Counted[];
    readonly items: readonly Quarantined[];
  };
  get(documentId: string): Quarantined | undefined;
  all(): readonly Quarantined[];
  clear(): void;
}

const MAX_HELD = 10_000;
const FIELDS = ['gate', 'reason', 'source', 'table', 'tenant'] as const;

export const createQuarantineList = (max = MAX_HELD): QuarantineList => {
  const held = new Map<string, Quarantined>();
  const matching = (filter: QuarantineFilter): readonly Quarantined[] =>
    [...held.values()].filter((each) =>
      FIELDS.every((field) => filter[field] === undefined || each[field] === filter[field]),
    );
  return {
    add: (record) => {
      held.delete(record.documentId);
      if (record.outcome !== 'refused') return;
      held.set(record.documentId, record);
      const [oldest] = held.keys();
      if (held.size > max && oldest !== undefined) held.delete(oldest);
    },
    list: (limit, filter = {}) => {
      const found = matching(filter);
      return {
        held: found.length,
        groups: countedBy(found, ({ gate, reason }) => `${gate}: ${reason}`),
        items: found.slice(-limit).reverse(),
      };
    },
    get: (documentId) => held.get(documentId),
    all: () => [...held.values()],
    clear: () => held.clear(),
  };
};
