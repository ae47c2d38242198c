/** What the whole stack holds in memory when nothing changes: servers, roles, real embedding model, 500 sample rows. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench, Figures } from './support/bench.ts';
import { startFreshetUnderBench } from './support/freshet-under-bench.ts';
import { processesOf } from './support/processes.ts';

const ROWS = 500;
/** Until what the start and the first load left behind has been collected. */
const REST_MS = 60_000;
const LIMIT_MIB = 2_500;

const measure = async (tell: (line: string) => void, signal: AbortSignal): Promise<Figures> => {
  const bench = await startFreshetUnderBench({
    config: 'freshness.config.ts',
    sampleRows: ROWS,
    tell,
    signal,
  });
  try {
    await bench.untilIndexed(ROWS);
    await sleep(REST_MS, undefined, { signal });
    const used = [...processesOf(bench.freshet.run)].sort((a, b) => b.residentMiB - a.residentMiB);
    const all = used.reduce((sum, { residentMiB }) => sum + residentMiB, 0);
    return {
      'all processes': { value: all, unit: 'MiB', target: { atMost: LIMIT_MIB } },
      ...Object.fromEntries(used.map(({ name, residentMiB }) => [name, { value: residentMiB, unit: 'MiB' }])),
    };
  } finally {
    await bench.stop();
  }
};

export const memoryBench: Bench = {
  name: 'memory',
  measures:
    'memory of the whole stack at rest, by process (proportional share of pages), after 500 rows, real model',
  runs: 1,
  run: measure,
};
