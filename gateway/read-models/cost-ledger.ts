/** What was spent of late, from freshet.costs: one entry per cost id, as writing one twice changes nothing. Pure but for being kept in place. */
import { LRUCache } from 'lru-cache';
import { isUsd } from '../../schemas/money.ts';
import type { Cost } from '../../schemas/records.ts';

export interface CostLedger {
  /** Returns what was held under the same id before. `partition`: where it was read. */
  add(cost: Cost, partition?: number): Cost | undefined;
  /** `since`: microseconds since the Unix epoch, of the oldest that is wanted. */
  of(wanted: { readonly tenant?: string; readonly since?: number }): readonly Cost[];
  /** Not all of a partition is read, as it is too much: what was spent before the first that is read of it may be missing. */
  cut(partition: number): void;
  /** Whether all is held that was spent since a time. */
  reachesTo(since: number): boolean;
  /** The oldest were forgotten or never read, as there were too many: sums reach back as far as what is held. */
  isFull(): boolean;
  clear(): void;
}

const MAX_COSTS = 50_000;

export const createCostLedger = (max = MAX_COSTS): CostLedger => {
  /** What was spent up to here may be missing; 0: nothing is. */
  let missingTo = 0;
  /** Of these nothing was read yet. */
  const cut = new Set<number>();
  const miss = (to: number): void => {
    missingTo = Math.max(missingTo, to);
  };
  const costs = new LRUCache<string, Cost>({
    max,
    dispose: ({ at }, _, reason) => {
      if (reason === 'evict') miss(at);
    },
  });
  return {
    add: (cost, partition) => {
      if (partition !== undefined && cut.delete(partition)) miss(cost.at);
      if (!isUsd(cost.usd)) return undefined;
      const before = costs.get(cost.costId);
      costs.set(cost.costId, cost);
      return before;
    },
    of: ({ tenant, since }) => {
      const found: Cost[] = [];
      for (const cost of costs.values()) {
        if (tenant !== undefined && cost.tenant !== tenant) continue;
        if (since !== undefined && cost.at < since) continue;
        found.push(cost);
      }
      return found;
    },
    cut: (partition) => {
      cut.add(partition);
    },
    reachesTo: (since) => cut.size === 0 && missingTo < since,
    isFull: () => cut.size > 0 || missingTo > 0,
    clear: () => {
      missingTo = 0;
      cut.clear();
      costs.clear();
    },
  };
};
