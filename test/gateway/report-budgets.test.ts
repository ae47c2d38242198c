import { expect, test } from 'vitest';
import type { GatewayContext } from '../../gateway/gateway-context.ts';
import { createReadModels } from '../../gateway/read-models/read-models.ts';
import { reportLimits } from '../../gateway/report-budgets.ts';
import type { Alert, Cost } from '../../schemas/records.ts';

const NOW = 1_800_000_000_000_000;

test('a tenant whose limit was taken away is looked at while its alert stands, so that it ends', async () => {
  const models = createReadModels({ targetMs: 1_000, objective: 0.99 });
  const settings = { clock: () => NOW, agents: [] } as unknown as GatewayContext['settings'];
  const tell = (source: string, kind: Alert['kind'], state: Alert['state']) =>
    models.freshness().addAlert({
      ...{ source, kind, state, severity: 'ticket', since: NOW, at: NOW },
      ...{ value: 0.9, threshold: 0.8, summary: 'nearly spent', slowestStage: null },
    });
  const looked = async () => (await reportLimits({ models, settings })).map((each) => each.name);
  expect(await looked()).toEqual([]);
  tell('agent:support', 'budget-low', 'firing');
  tell('tenant:other', 'failing', 'firing');
  for (let at = 0; at < 120; at += 1) tell(`tenant:t${at}`, 'budget-low', 'firing');
  expect(await looked()).toHaveLength(120);
  for (let at = 1; at < 120; at += 1) tell(`tenant:t${at}`, 'budget-low', 'ended');
  expect(await reportLimits({ models, settings })).toMatchObject([
    { ...{ of: 'tenant', name: 't0' }, usdPerDay: null },
  ]);
});

test('where a definition holds each tenant to a limit, those that spent today are looked at, by the ledger', async () => {
  const models = createReadModels({ targetMs: 1_000, objective: 0.99 });
  models.costs.add({ costId: 'c-1', agent: 'support', tenant: 'acme', usd: '1', at: NOW } as Cost);
  const agents = [{ name: 'support', safety: { usdPerDay: { tenant: '5' } } }];
  const spending = async (day: string, { tenants }: { tenants: readonly string[] }) => ({
    day,
    known: true,
    agents: {},
    tenants: Object.fromEntries(tenants.map((name) => [name, '4.5'])),
  });
  const settings = {
    ...{ clock: () => NOW, agents, config: { localTenant: 'local' }, budgets: { spending } },
  } as unknown as GatewayContext['settings'];
  const looked = (await reportLimits({ models, settings })).filter((each) => each.of === 'tenant');
  expect(looked).toMatchObject(
    ['local', 'acme'].map((name) => ({ name, usdPerDay: '5', from: 'definition', spentUsd: '4.5' })),
  );
});
