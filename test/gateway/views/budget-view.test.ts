import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createMetrics } from '../../../connectors/telemetry/metrics.ts';
import { type BudgetsAsked, budgetsViewOf, measureBudgets } from '../../../gateway/views/budget-view.ts';
import { formatUsd, parseUsd } from '../../../schemas/money.ts';

const NO_LIMIT = { agent: null, tenant: null };
const asked: BudgetsAsked = {
  ...{ day: '2026-11-22', tenants: ['acme', 'globex'], set: [], spending: null, costs: [], complete: true },
  agents: [
    { name: 'support', usdPerDay: NO_LIMIT },
    { name: 'triage', usdPerDay: NO_LIMIT },
  ],
};
const limit = (of: 'agent' | 'tenant', name: string, usdPerDay: string) =>
  ({ kind: 'budget', of, name, usdPerDay, by: 'ann', reason: null, at: 1 }) as const;
const uncounted = { day: asked.day, known: false, agents: {}, tenants: {} };
const counted = { ...uncounted, known: true, agents: { support: '3' }, tenants: { acme: '2.5' } };
const spent = fc.array(
  fc.record({
    agent: fc.constantFrom('support', 'triage'),
    tenant: fc.constantFrom('acme', 'globex'),
    usd: fc.bigInt({ min: 0n, max: 10n ** 14n }).map(formatUsd),
  }),
);

test('without any limit nothing is unknown: what was spent is the sum of its costs, to the picodollar', () => {
  fc.assert(
    fc.property(spent, fc.constantFrom(null, uncounted), (costs, spending) => {
      const { known, budgets } = budgetsViewOf({ ...asked, costs, spending });
      expect(known).toBe(true);
      const total = costs.reduce((sum, { usd }) => sum + parseUsd(usd), 0n);
      for (const level of ['agent', 'tenant'] as const) {
        const own = budgets.filter((each) => each.of === level);
        expect(own.reduce((sum, { spentUsd }) => sum + parseUsd(spentUsd ?? ''), 0n)).toBe(total);
      }
      for (const each of budgets) expect(each).toMatchObject({ usdPerDay: null, remainingUsd: null });
    }),
  );
});

test('what has a limit is told by the ledger alone: until that has counted, nobody knows; all others are as before', () => {
  const costs = [{ agent: 'support', tenant: 'acme', usd: '1' }];
  const { known, budgets } = budgetsViewOf({ ...asked, costs, set: [limit('agent', 'support', '4')] });
  expect(known).toBe(false);
  expect(budgets.map(({ name, spentUsd }) => [name, spentUsd])).toEqual([
    ['support', null],
    ['triage', '0'],
    ['acme', '1'],
    ['globex', '0'],
  ]);
});

test('once it is counted, the ledger is what is shown of a limit, reservations and all; what has none, by its costs', () => {
  const set = [limit('agent', 'support', '4'), limit('tenant', 'acme', '2')];
  const costs = [{ agent: 'triage', tenant: 'globex', usd: '1' }];
  const { known, budgets } = budgetsViewOf({ ...asked, set, costs, spending: counted });
  expect(known).toBe(true);
  expect(budgets.map(({ name, spentUsd, remainingUsd }) => [name, spentUsd, remainingUsd])).toEqual([
    ['support', '3', '1'],
    ['triage', '1', null],
    ['acme', '2.5', '0'],
    ['globex', '1', null],
  ]);
});

test('where not all costs of the day are kept, what has no limit is not known, and what has one is as before', () => {
  const set = [limit('agent', 'support', '4')];
  const costs = [{ agent: 'triage', tenant: 'globex', usd: '1' }];
  const { budgets } = budgetsViewOf({ ...asked, set, costs, spending: counted, complete: false });
  expect(budgets.map(({ name, spentUsd }) => [name, spentUsd])).toEqual([
    ['support', '3'],
    ['triage', null],
    ['acme', null],
    ['globex', null],
  ]);
});

test('an agent whose definition holds each of its tenants to a limit has one', () => {
  const agents = [{ name: 'support', usdPerDay: { agent: null, tenant: '1' } }];
  expect(budgetsViewOf({ ...asked, agents }).known).toBe(false);
  expect(budgetsViewOf({ ...asked, agents, spending: counted }).known).toBe(true);
});

test('a limit that definitions hold each tenant to is shown, the lowest of them; what was set goes before it', () => {
  const agents = ['10', '9', null].map((tenant, at) => ({
    name: `agent-${at}`,
    usdPerDay: { agent: null, tenant },
  }));
  const set = [limit('tenant', 'globex', '20')];
  const { budgets } = budgetsViewOf({ ...asked, agents, set, spending: counted });
  expect(budgets.filter((each) => each.of === 'tenant')).toMatchObject([
    { name: 'acme', usdPerDay: '9', from: 'definition', spentUsd: '2.5', remainingUsd: '6.5', by: null },
    { name: 'globex', usdPerDay: '20', from: 'set', by: 'ann' },
  ]);
});

test('the gauges of agents: a limit while what was spent is counted, both after it, none once it is taken away', async () => {
  const metrics = createMetrics('gateway');
  const set = [limit('agent', 'support', '4'), limit('tenant', 'acme', '2')];
  const gaugesOf = async (over: Partial<BudgetsAsked>) => {
    measureBudgets(metrics, budgetsViewOf({ ...asked, ...over }));
    return (await metrics.registry.text()).match(/^freshet_budget_.*/gm) ?? [];
  };
  expect(await gaugesOf({ set, spending: uncounted })).toEqual([
    'freshet_budget_limit_usd{agent="support"} 4',
  ]);
  expect((await gaugesOf({ set, spending: counted })).toSorted()).toEqual([
    'freshet_budget_limit_usd{agent="support"} 4',
    'freshet_budget_remaining_usd{agent="support"} 1',
  ]);
  expect(await gaugesOf({ spending: counted })).toEqual([]);
});
