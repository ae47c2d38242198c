import { expect, test } from 'vitest';
import { createMetrics } from '../../../connectors/telemetry/metrics.ts';
import { createLiveMetrics } from '../../../gateway/read-models/live-metrics.ts';
import type { AgentDefinition } from '../../../schemas/agent-definition.ts';
import type { Cost } from '../../../schemas/records.ts';

const SUPPORT: AgentDefinition = { name: 'support', version: '1', instructions: 'Answer.' };
const COST: Cost = {
  ...{
    costId: 'c',
    taskId: 't',
    executionId: 'e',
    agent: 'support',
    tenant: null,
    feature: null,
    tool: null,
  },
  ...{ model: 'm', step: 1, inputTokens: 1_000, outputTokens: 10, cachedInputTokens: 800, usd: '0.001' },
  ...{ priceTable: '', settled: true, kind: 'model', outcome: 'done', at: 1 },
};

test('tokens are counted once for each call, those of a cache on their own too', async () => {
  const metrics = createMetrics('gateway');
  const live = createLiveMetrics(metrics, [SUPPORT], []);
  live.cost({ ...COST, inputTokens: 0, outputTokens: 0, cachedInputTokens: 0, outcome: 'lost' }, undefined);
  live.cost(COST, undefined);
  // Told again.
  live.cost(COST, COST);
  const text = await metrics.registry.text();
  const lines = text.split('\n').filter((line) => line.startsWith('freshet_tokens_total'));
  expect(lines.sort()).toEqual([
    'freshet_tokens_total{agent="support",model="m",direction="cached"} 800',
    'freshet_tokens_total{agent="support",model="m",direction="input"} 1000',
    'freshet_tokens_total{agent="support",model="m",direction="output"} 10',
  ]);
});
