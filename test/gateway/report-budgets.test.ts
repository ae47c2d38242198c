import { expect, test } from 'vitest';
import type { GatewayContext } from '../../gateway/gateway-context.ts';
import { createReadModels } from '../../gateway/read-models/read-models.ts';
import { reportLimits } from '../../gateway/report-budgets.ts';
import type { Alert } from '../../schemas/records.ts';

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
