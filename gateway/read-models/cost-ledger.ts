/** What was spent of late, from freshet.costs: one entry per cost id, as writing one twice changes nothing. Pure but for being kept in place. */
import { LRUCache } from 'lru-cache';
import { formatUsd, isUsd, parseUsd } from '../../schemas/money.ts';
import type { Cost } from '../../schemas/records.ts';

export const COST_GROUPS = ['agent', 'tool', 'feature', 'tenant', 'model'] as const;
export type CostGroup = (typeof COST_GROUPS)[number];

export interface CostTotal {
  /** Null: costs that carry none. */
  readonly name: string | null;
  /** Exact decimal. */
  readonly usd: string;
  readonly calls: number;
  readonly executions: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Of `calls`: counted at their reservation, as their outcome was lost. */
  readonly unsettled: number;
}

export interface CostLedger {
  /** Returns what was held under the same id before. */
  add(cost: Cost): Cost | undefined;
  total(
    by: CostGroup,
    tenant?: string,
  ): { readonly since: number | null; readonly groups: readonly CostTotal[] };
  clear(): void;
}

const MAX_COSTS = 50_000;

export const createCostLedger = (max = MAX_COSTS): CostLedger => {
  const costs = new LRUCache<string, Cost>({ max });
  return {
    add: (cost) => {
      if (!isUsd(cost.usd)) return undefined;
      const before = costs.get(cost.costId);
      costs.set(cost.costId, cost);
      return before;
    },
    total: (by, tenant) => {
      const groups = new Map<string | null, Cost[]>();
      let since: number | null = null;
      for (const cost of costs.values()) {
        if (tenant !== undefined && cost.tenant !== tenant) continue;
        const name = cost[by];
        const group = groups.get(name);
        if (group) group.push(cost);
        else groups.set(name, [cost]);
        since = since === null ? cost.at : Math.min(since, cost.at);
      }
      const totals = [...groups].map(([name, list]) => ({ name, list, usd: sumOf(list) }));
      totals.sort((a, b) => (a.usd < b.usd ? 1 : a.usd > b.usd ? -1 : 0));
      return {
        since,
        groups: totals.map(({ name, list, usd }) => ({
          name,
          usd: formatUsd(usd),
          calls: list.length,
          executions: new Set(list.map((cost) => cost.executionId)).size,
          inputTokens: list.reduce((sum, cost) => sum + cost.inputTokens, 0),
          outputTokens: list.reduce((sum, cost) => sum + cost.outputTokens, 0),
          unsettled: list.filter((cost) => !cost.settled).length,
        })),
      };
    },
    clear: () => costs.clear(),
  };
};

const sumOf = (list: readonly Cost[]): bigint => list.reduce((sum, cost) => sum + parseUsd(cost.usd), 0n);
