/** Over the JSON of real registries: what prom-client calls things there is what is read. */
import { afterEach, expect, test, vi } from 'vitest';
import { knownLag, type Lag, measureLag } from '../../../cli/roles/measure-lag.ts';
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

test('replicas of the index read the same records: they are not counted twice', async () => {
  const [first, second] = [createMetrics('index'), createMetrics('index')];
  first.consumerLag.set({ stage: 'apply-index' }, 3);
  second.consumerLag.set({ stage: 'apply-index' }, 4);
  const backlog = backlogOf([await first.registry.json(), await second.registry.json()]);
  expect(backlog.find(({ stage }) => stage === 'apply-index')?.records).toBe(4);
});

test('that nothing waits is known once everything is read; what waits is known at once', () => {
  const nothing = { waiting: 0, oldest: undefined };
  expect(knownLag(nothing, false)).toBeNull();
  expect(knownLag(nothing, true)).toBe(nothing);
  // Tasks that came while the journal is read have yet to be told from those that wait.
  expect(knownLag({ waiting: 2, oldest: undefined }, false)).toBeNull();
  expect(knownLag({ waiting: 2, oldest: 1 }, false)).toEqual({ waiting: 2, oldest: 1 });
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
