import { expect, test } from 'vitest';
import { createMetrics } from '../../../connectors/telemetry/metrics.ts';
import type { ExecutionEntry } from '../../../gateway/read-models/execution-entry.ts';
import { createLiveMetrics } from '../../../gateway/read-models/live-metrics.ts';
import type { AgentDefinition } from '../../../schemas/agent-definition.ts';
import type { Cost } from '../../../schemas/records.ts';
import { eventOf } from '../../support/event-of.ts';

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

test('a halt counts by a code of the closed list; any other is one series, whatever a journal says', async () => {
  const metrics = createMetrics('gateway');
  const live = createLiveMetrics(metrics, [SUPPORT], []);
  const event = eventOf({ type: 'response', agent: 'support' });
  for (const code of ['loop', 'made-up-1', 'made-up-2', 'constructor']) {
    const result = { outcome: 'halted', error: { code, message: '' } };
    live.event(event, { result, createdAt: 0, startedAt: 0 } as unknown as ExecutionEntry, 0);
  }
  const text = await metrics.registry.text();
  const lines = text.split('\n').filter((line) => line.startsWith('freshet_loop_halts_total{'));
  expect(lines.sort()).toEqual([
    'freshet_loop_halts_total{agent="support",reason="loop"} 1',
    'freshet_loop_halts_total{agent="support",reason="unknown"} 3',
  ]);
});
