/** Over the JSON of real registries: what prom-client calls things there is what is read. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { askPeers } from '../../../cli/roles/ask-peers.ts';
import { forgetComparison, measureComparison } from '../../../cli/roles/measure-comparison.ts';
import { knownLag, type Lag, measureLag } from '../../../cli/roles/measure-lag.ts';
import { createMetrics, type Metrics } from '../../../connectors/telemetry/metrics.ts';
import { comparisonsOf } from '../../../gateway/views/role-comparisons.ts';
import { backlogOf, gateRefusalsOf, type RoleMetrics } from '../../../gateway/views/role-counters.ts';
import { LAG_STAGES } from '../../../schemas/lag-stages.ts';

afterEach(() => vi.useRealTimers());

const said = async (metrics: Metrics, role: string): Promise<RoleMetrics> => ({
  ...{ at: '127.0.0.1:7401', role },
  metrics: await metrics.registry.json(),
});
const silent: readonly string[] = [];

test('of several copies the one furthest behind tells the seconds; a stage that nobody speaks of is unknown', async () => {
  const [first, second] = [createMetrics('pipeline'), createMetrics('pipeline')];
  first.consumerLag.set({ stage: 'index-documents' }, 3);
  first.consumerLagSeconds.set({ stage: 'index-documents' }, 0.5);
  second.consumerLag.set({ stage: 'index-documents' }, 4);
  second.consumerLagSeconds.set({ stage: 'index-documents' }, 2);
  const other = { at: '127.0.0.1:7402', role: null, metrics: 'no metrics' };
  const roles = [await said(first, 'pipeline'), await said(second, 'pipeline'), other];
  expect(backlogOf(roles)).toEqual([
    { stage: 'index-documents', silent, seconds: 2, records: 7 },
    { stage: 'apply-index', silent, seconds: null, records: null },
    { stage: 'agents', silent, seconds: null, records: null },
  ]);
});

test('a copy that does not answer may be the one behind: its stage is unknown, and of one never heard every stage', async () => {
  const metrics = createMetrics('agents');
  for (const stage of LAG_STAGES) metrics.consumerLagSeconds.set({ stage }, 1);
  const mute = { at: '127.0.0.1:7402', metrics: undefined };
  const secondsOf = async (role: string | null) =>
    backlogOf([await said(metrics, 'agents'), { ...mute, role }]).map((stage) => stage.seconds);
  expect(await secondsOf('gateway')).toEqual([1, 1, 1]);
  expect(await secondsOf('agents')).toEqual([1, 1, null]);
  expect(await secondsOf(null)).toEqual([null, null, null]);
  expect(backlogOf([{ ...mute, role: 'agents' }]).at(-1)?.silent).toEqual(['agents at 127.0.0.1:7402']);
});

test('refusals are summed by gate over all copies; with one that is silent they are unknown, not none', async () => {
  const [first, second] = [createMetrics('pipeline'), createMetrics('pipeline')];
  expect(gateRefusalsOf([await said(first, 'pipeline')])).toEqual([]);
  first.gateRefusals.inc({ gate: 'secrets' }, 2);
  first.gateRefusals.inc({ gate: 'length' }, 3);
  second.gateRefusals.inc({ gate: 'secrets' }, 4);
  const roles = [await said(first, 'pipeline'), await said(second, 'pipeline')];
  expect(gateRefusalsOf(roles)).toEqual([
    { gate: 'secrets', count: 6 },
    { gate: 'length', count: 3 },
  ]);
  const mute = { at: '127.0.0.1:7402', metrics: undefined };
  expect(gateRefusalsOf([...roles, { ...mute, role: 'pipeline' }])).toBeNull();
  expect(gateRefusalsOf([...roles, { ...mute, role: 'agents' }])).toHaveLength(2);
  expect(gateRefusalsOf([])).toBeNull();
});

test('a role that answered before is known by its name when it is silent', async () => {
  const metrics = createMetrics('agents');
  const server = createServer(async (_, response) => {
    response.end(JSON.stringify(await metrics.registry.json()));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const at = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const ask = askPeers([`http://${at}`]);
  expect(await ask()).toMatchObject([{ at, role: 'agents', metrics: expect.any(Array) }]);
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
  expect(await ask()).toEqual([{ at, role: 'agents', metrics: undefined }]);
});

test('replicas of the index read the same records: they are not counted twice', async () => {
  const [first, second] = [createMetrics('index'), createMetrics('index')];
  first.consumerLag.set({ stage: 'apply-index' }, 3);
  second.consumerLag.set({ stage: 'apply-index' }, 4);
  const backlog = backlogOf([await said(first, 'index'), await said(second, 'index')]);
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
  const agents = async () => backlogOf([await said(metrics, 'agents')]).at(-1);
  vi.advanceTimersByTime(1_000);
  expect(await agents()).toEqual({ stage: 'agents', silent, seconds: 3, records: 2 });
  lag = null;
  vi.advanceTimersByTime(1_000);
  expect(await agents()).toEqual({ stage: 'agents', silent, seconds: null, records: null });
  end();
});

test('what comparisons of the index came to is told by table, without rows that could not be told', async () => {
  const metrics = createMetrics('pipeline');
  const report = { source: 'shop', table: 'public.orders', index: 'index-1', repaired: 0, inFlight: 0 };
  const differs = { documentId: 'shop/public.orders/1', divergence: 'missing' } as const;
  measureComparison(metrics, { ...report, rows: 9, divergent: [differs], unsettled: ['2'] }, 60_000_000);
  const again = { ...report, rows: 7, divergent: [], unsettled: [] };
  const articles = { ...again, table: 'public.articles' };
  measureComparison(metrics, { ...articles, index: 'index-2', rows: 5, unsettled: ['3'] }, 90_000_000);
  measureComparison(metrics, articles, 120_000_000);
  const roles = [await said(metrics, 'pipeline'), await said(createMetrics('agents'), 'agents')];
  const [at, later] = ['1970-01-01T00:01:00.000Z', '1970-01-01T00:02:00.000Z'];
  const index = 'index-1';
  expect(comparisonsOf(roles)).toEqual([
    { source: 'shop', table: 'public.articles', index, rows: 7, divergent: 0, unsettled: 0, at: later },
    { source: 'shop', table: 'public.orders', index, rows: 8, divergent: 1, unsettled: 1, at },
  ]);
  expect(comparisonsOf([])).toEqual([]);
  // Its source lets nobody read it any more: what it came to before says nothing of now.
  await forgetComparison(metrics, 'shop', 'public.articles');
  const known = await said(metrics, 'pipeline');
  expect(comparisonsOf([known]).map(({ table }) => table)).toEqual(['public.orders']);
});
