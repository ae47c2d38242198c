/**
 * Money of a UTC day as the API shows it, per agent and per tenant. What has a limit is told by the ledger that holds it, or not at all;
 * what has none is held against nothing, so its costs say what was spent, whatever the ledger knows, as long as all of the day's are kept. Pure.
 */
import { z } from 'zod';
import type { Metrics } from '../../connectors/telemetry/metrics.ts';
import type { DailySpending } from '../../schemas/budget-ledger.ts';
import type { ControlSignal } from '../../schemas/control-signals.ts';
import { amountOf, formatUsd, parseUsd } from '../../schemas/money.ts';
import type { Cost } from '../../schemas/records.ts';
import { isoTime } from './times.ts';

const budget = z.object({
  of: z.enum(['agent', 'tenant']),
  name: z.string(),
  usdPerDay: z
    .string()
    .nullable()
    .describe('Null: no limit is set. Of a tenant by definitions: the lowest that an agent’s says.'),
  from: z.enum(['set', 'definition', 'none']),
  spentUsd: z
    .string()
    .nullable()
    .describe(
      'Of this UTC day: reserved and spent where a limit is held against it, spent so far where none is. Null: it has a limit, and is being counted; or it has none, and not all costs of the day are kept here.',
    ),
  remainingUsd: z.string().nullable(),
  by: z.string().nullable(),
  reason: z.string().nullable(),
  at: z.string().nullable(),
});

export const budgetsSchema = z.object({
  day: z.string(),
  known: z
    .boolean()
    .describe('False: there are limits, and what was spent is being counted, or there is no ledger.'),
  complete: z
    .boolean()
    .describe(
      'False: not all costs of the day are kept here, so what was spent without a limit is not known.',
    ),
  budgets: z.array(budget),
});

export type BudgetView = z.output<typeof budget>;
export type BudgetsView = z.output<typeof budgetsSchema>;

export interface BudgetsAsked {
  readonly day: string;
  /** What an agent's definition allows it a day, and each of its tenants; null: without a limit. */
  readonly agents: readonly {
    readonly name: string;
    readonly usdPerDay: { readonly agent: string | null; readonly tenant: string | null };
  }[];
  readonly tenants: readonly string[];
  /** What operators set. */
  readonly set: readonly Extract<ControlSignal, { readonly kind: 'budget' }>[];
  /** Null: there is no ledger, or it does not answer. */
  readonly spending: DailySpending | null;
  /** Of the day, as far as they are known. */
  readonly costs: readonly Pick<Cost, 'agent' | 'tenant' | 'usd'>[];
  /** Whether those are all of them. */
  readonly complete: boolean;
}

export const budgetsViewOf = (asked: BudgetsAsked): BudgetsView => {
  const { day, agents, tenants, set, spending, costs, complete } = asked;
  const counted = spending?.known ? spending : null;
  const sums = sumsOf(costs);
  const one = (of: BudgetView['of'], name: string, defined: string | null): BudgetView => {
    const found = set.find((each) => each.of === of && each.name === name);
    const usdPerDay = found?.usdPerDay ?? defined;
    const held = counted ? (counted[`${of}s`][name] ?? '0') : null;
    const summed = complete ? formatUsd(sums[of].get(name) ?? 0n) : null;
    const spentUsd = usdPerDay === null ? summed : held;
    return {
      of,
      name,
      usdPerDay,
      from: found ? 'set' : defined === null ? 'none' : 'definition',
      spentUsd,
      remainingUsd: usdPerDay === null || spentUsd === null ? null : left(usdPerDay, spentUsd),
      by: found?.by ?? null,
      reason: found?.reason ?? null,
      at: found ? isoTime(found.at) : null,
    };
  };
  const budgets = [
    ...agents.map(({ name, usdPerDay }) => one('agent', name, usdPerDay.agent)),
    ...tenants.map((name) => one('tenant', name, lowestOf(agents))),
  ];
  const isLimited =
    set.length > 0 || agents.some(({ usdPerDay }) => usdPerDay.agent !== null || usdPerDay.tenant !== null);
  return { day, known: counted !== null || !isLimited, complete, budgets };
};

/** Each agent holds a tenant to its own: at the lowest the first of them does nothing more for it. */
const lowestOf = (agents: BudgetsAsked['agents']): string | null =>
  agents
    .flatMap(({ usdPerDay }) => usdPerDay.tenant ?? [])
    .reduce<string | null>(
      (lowest, usd) => (lowest === null || parseUsd(usd) < parseUsd(lowest) ? usd : lowest),
      null,
    );

/** The gauges of what agents may spend and have left, set at the moment they are asked for. Tenants are no labels. */
export const measureBudgets = (
  { budgetLimit, budgetRemaining }: Pick<Metrics, 'budgetLimit' | 'budgetRemaining'>,
  view: BudgetsView,
): void => {
  budgetLimit.reset();
  budgetRemaining.reset();
  for (const { of: level, name, usdPerDay, remainingUsd } of view.budgets) {
    if (level !== 'agent') continue;
    if (usdPerDay !== null) budgetLimit.set({ agent: name }, Number(usdPerDay));
    if (remainingUsd !== null) budgetRemaining.set({ agent: name }, Number(remainingUsd));
  }
};

const sumsOf = (costs: BudgetsAsked['costs']) => {
  const sums = { agent: new Map<string, bigint>(), tenant: new Map<string, bigint>() };
  for (const cost of costs) {
    const usd = amountOf(cost);
    for (const level of ['agent', 'tenant'] as const) {
      const name = cost[level];
      if (name !== null) sums[level].set(name, (sums[level].get(name) ?? 0n) + usd);
    }
  }
  return sums;
};

const left = (limit: string, spent: string): string => {
  const rest = parseUsd(limit) - parseUsd(spent);
  return formatUsd(rest > 0n ? rest : 0n);
};
