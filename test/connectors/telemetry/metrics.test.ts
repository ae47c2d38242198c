/** Metrics of several processes, as the gateway adds them up. */
import { expect, test } from 'vitest';
import { withOwnedGauges } from '../../../cli/roles/owned-gauges.ts';
import { createMetrics } from '../../../connectors/telemetry/metrics.ts';

const valuesOf = async (name: string, ...all: readonly ReturnType<typeof createMetrics>[]) => {
  const others = await Promise.all(all.map(({ registry }) => registry.json()));
  const text = await createMetrics('gateway').registry.text(others);
  return text.split('\n').filter((line) => line.startsWith(`${name}{`));
};

test('a breaker that two processes see open is open, not twice as much', async () => {
  const [first, second, third] = [createMetrics('agents'), createMetrics('agents'), createMetrics('agents')];
  first.breakerState.set({ tool: 'search' }, 2);
  second.breakerState.set({ tool: 'search' }, 2);
  third.breakerState.set({ tool: 'search' }, 0);
  expect(await valuesOf('freshet_breaker_state', first, second, third)).toEqual([
    'freshet_breaker_state{tool="search"} 2',
  ]);
});

test('the state of a source is what its present owner sees', async () => {
  const [former, owner] = [createMetrics('pipeline'), createMetrics('pipeline')];
  const see = ({ sourceState, retainedWal }: typeof owner, streaming: number): void => {
    sourceState.set({ source: 'shop', state: 'streaming' }, streaming);
    sourceState.set({ source: 'shop', state: 'paused' }, 1 - streaming);
    retainedWal.set({ source: 'shop' }, 100);
  };
  // What it sees last, it may see while it is stopped.
  const stop = async (): Promise<void> => see(former, 0);
  await withOwnedGauges({ stop }, [former.sourceState, former.retainedWal]).stop();
  see(owner, 1);
  expect(await valuesOf('freshet_source_state', former, owner)).toEqual([
    'freshet_source_state{source="shop",state="streaming"} 1',
    'freshet_source_state{source="shop",state="paused"} 0',
  ]);
  expect(await valuesOf('freshet_source_retained_wal_bytes', former, owner)).toEqual([
    'freshet_source_retained_wal_bytes{source="shop"} 100',
  ]);
});
