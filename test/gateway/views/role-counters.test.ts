/** Over the JSON of real registries: what prom-client calls things there is what is read. */
import { afterEach, expect, test, vi } from 'vitest';
import { type Lag, measureLag } from '../../../cli/roles/measure-lag.ts';
import { createMetrics } from '../../../connectors/telemetry/metrics.ts';
import { backlogOf } from '../../../gateway/views/role-counters.ts';

afterEach(() => vi.useRealTimers());

test('of several copies the one furthest behind tells the seconds; a stage that nobody speaks of is unknown', async () => {
  const [first, second] = [createMetrics('pipeline'), createMetrics('pipeline')];
  first.consumerLag.set({ stage: 'index-documents' }, 3);
  first.consumerLagSeconds.set({ stage: 'index-documents' }, 0.5);
  second.consumerLag.set({ stage: 'index-documents' }, 4);
  second.consumerLagSeconds.set({ stage: 'index-documents' }, 2);
  expect(backlogOf([await first.registry.json(), await second.registry.json(), 'no metrics'])).toEqual([
    { stage: 'index-documents', seconds: 2, records: 7 },
    { stage: 'apply-index', seconds: null, records: null },
    { stage: 'agents', seconds: null, records: null },
  ]);
});

test('a role that lost its partitions says nothing of its backlog, rather than that it has none', async () => {
  vi.useFakeTimers();
  const metrics = createMetrics('agents');
  let lag: Lag | null = { waiting: 2, oldest: 1_000 };
  const end = measureLag(
    metrics,
    'agents',
    () => 4_000_000,
    () => lag,
  );
  const agents = async () => backlogOf([await metrics.registry.json()]).at(-1);
  vi.advanceTimersByTime(1_000);
  expect(await agents()).toEqual({ stage: 'agents', seconds: 3, records: 2 });
  lag = null;
  vi.advanceTimersByTime(1_000);
  expect(await agents()).toEqual({ stage: 'agents', seconds: null, records: null });
  end();
});
