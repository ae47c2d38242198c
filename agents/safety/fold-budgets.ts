/**
 * The calls of one UTC day, folded from a stretch of the journal: what the counters of budgets are rebuilt from (rule
 * B). Costs are folded as for freshet.costs. Where the stretch begins after an execution did, whose claim holds is not
 * known, and each of its reservations counts: too much is safe, too little is not. Pure but for being kept in place.
 */
import { dayOf, type JournaledCost } from '../../schemas/budget-ledger.ts';
import { type CallCost, changedCosts, type ExecutionCosts, NO_COSTS } from '../../schemas/execution-costs.ts';
import { advanceOrder, type ExecutionOrder, UNCLAIMED } from '../../schemas/execution-order.ts';
import type { AgentEvent } from '../../schemas/records.ts';

export interface BudgetFold {
  /** Events of a partition in the order of the log. */
  add(event: AgentEvent): void;
  costs(): readonly JournaledCost[];
}

interface Held {
  /** Null: its beginning was not seen. */
  readonly order: ExecutionOrder | null;
  readonly costs: ExecutionCosts;
  /** By costId: the day that pays is the one of the intent. */
  readonly days: ReadonlyMap<string, string>;
  readonly agent: string;
  readonly tenant: string;
}

const begins = ({ type }: AgentEvent): boolean => type === 'user-input' || type === 'claim';

/** `localTenant`: whose an execution without a tenant is. */
export const createBudgetFold = (day: string, localTenant: string): BudgetFold => {
  const executions = new Map<string, Held>();

  return {
    add: (event) => {
      const { agent } = event;
      const tenant = event.tenant ?? localTenant;
      const held = executions.get(event.executionId) ?? {
        order: begins(event) ? UNCLAIMED : null,
        costs: NO_COSTS,
        days: new Map<string, string>(),
        agent,
        tenant,
      };
      const order = held.order && advanceOrder(held.order, event);
      const changed = changedCosts(held.costs, event, held.order === null || order !== null);
      executions.set(event.executionId, {
        ...held,
        order: held.order && (order ?? held.order),
        ...(changed.length > 0 ? withCosts(held, changed, dayOf(event.at)) : {}),
      });
    },
    costs: () =>
      [...executions.values()].flatMap(({ costs, days, agent, tenant }) =>
        [...costs.values()]
          // What a sub-task spends stands in its own journal.
          .filter(({ costId, state }) => state !== 'delegated' && days.get(costId) === day)
          .map(({ costId, usd, state }) => ({ costId, agent, tenant, usd, settled: state === 'settled' })),
      ),
  };
};

const withCosts = (
  { costs, days }: Pick<Held, 'costs' | 'days'>,
  changed: readonly CallCost[],
  day: string,
): Pick<Held, 'costs' | 'days'> => {
  const next = { costs: new Map(costs), days: new Map(days) };
  for (const cost of changed) {
    next.costs.set(cost.costId, cost);
    if (!days.has(cost.costId)) next.days.set(cost.costId, day);
  }
  return next;
};
