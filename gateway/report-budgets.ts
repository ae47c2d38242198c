/** Money of the current UTC day, per agent and per tenant: what may be spent, and what is. */
import type { AgentDefinition } from '../schemas/agent-definition.ts';
import { dayOf, startOfDay } from '../schemas/budget-ledger.ts';
import type { Alert } from '../schemas/records.ts';
import { type SafetySettings, safetyPolicyOf } from '../schemas/safety-policy.ts';
import type { GatewayContext } from './gateway-context.ts';
import { type BudgetsView, type BudgetView, budgetsViewOf } from './views/budget-view.ts';

const MAX_TENANTS = 100;

const policyOf = ({ name, safety }: AgentDefinition & { readonly safety?: SafetySettings }) => ({
  name,
  usdPerDay: safetyPolicyOf(safety).usdPerDay,
});

const TENANT = 'tenant:';

/** Whose money was told to be nearly spent. */
const tenantsToldOf = (firing: readonly Alert[]): readonly string[] =>
  firing.flatMap(({ source, kind }) =>
    kind === 'budget-low' && source.startsWith(TENANT) ? [source.slice(TENANT.length)] : [],
  );

/** `shows`: of which tenants. What the ledger does not tell is null; nothing throws. */
export const reportBudgets = async (
  { models, settings }: Pick<GatewayContext, 'models' | 'settings'>,
  shows: (tenant: string) => boolean = () => true,
): Promise<BudgetsView> => {
  const day = dayOf(settings.clock());
  const set = models.control.budgets();
  const since = startOfDay(day) * 1_000;
  const costs = models.costs.of({ since });
  const named = [
    settings.config.localTenant,
    ...set.filter((each) => each.of === 'tenant').map(({ name }) => name),
    ...costs.flatMap(({ tenant }) => (tenant ? [tenant] : [])),
  ];
  const tenants = [...new Set(named)].filter(shows).slice(0, MAX_TENANTS);
  const agents = settings.agents.map(policyOf);
  const names = agents.map(({ name }) => name);
  const spending =
    (await settings.budgets?.spending(day, { agents: names, tenants }).catch(() => null)) ?? null;
  const complete = models.costs.reachesTo(since);
  return budgetsViewOf({ day, agents, tenants, set, spending, costs, complete });
};

/**
 * Those that may have a limit: of every agent, and of tenants that somebody set one for, or that spent today where a definition holds each
 * to one; and of tenants whose alert about it stands, as a limit that was taken away ends it. Nothing throws.
 */
export const reportLimits = async ({
  models,
  settings,
}: Pick<GatewayContext, 'models' | 'settings'>): Promise<readonly BudgetView[]> => {
  const day = dayOf(settings.clock());
  const set = models.control.budgets();
  const agents = settings.agents.map(policyOf);
  const isEachHeld = agents.some(({ usdPerDay }) => usdPerDay.tenant !== null);
  const spenders = (): readonly string[] => [
    settings.config.localTenant,
    ...models.costs.of({ since: startOfDay(day) * 1_000 }).flatMap(({ tenant }) => tenant ?? []),
  ];
  const limited = [
    ...set.flatMap(({ of, name }) => (of === 'tenant' ? [name] : [])),
    ...(isEachHeld ? spenders() : []),
  ];
  const told = tenantsToldOf(models.freshness().firing());
  const tenants = [...new Set([...[...new Set(limited)].slice(0, MAX_TENANTS), ...told])];
  const isLimited = set.length > 0 || isEachHeld || agents.some(({ usdPerDay }) => usdPerDay.agent !== null);
  const names = agents.map(({ name }) => name);
  const spending =
    (isLimited && (await settings.budgets?.spending(day, { agents: names, tenants }).catch(() => null))) ||
    null;
  return budgetsViewOf({ day, agents, tenants, set, spending, costs: [], complete: false }).budgets;
};
