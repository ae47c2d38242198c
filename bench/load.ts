/**
 * The initial load: 50,000 rows of about 100 tokens in Postgres before anything looks at them → all of them found, with the
 * instant embedder. Timed from the moment when capture begins; `peers-load` times starting, too.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench, Figures } from './support/bench.ts';
import { startBenchSource } from './support/bench-source.ts';
import { startFreshetIndexer } from './support/freshet-indexer.ts';
import { processesOf } from './support/processes.ts';

const ROWS = 50_000;
const LOOK_EVERY_MS = 200;

const measure = async (tell: (line: string) => void, signal: AbortSignal): Promise<Figures> => {
  const source = await startBenchSource(signal);
  try {
    const url = await source.fill(ROWS, 'default');
    const freshet = await startFreshetIndexer({ url, tell, signal });
    try {
      while ((await freshet.documents()) < ROWS && !signal.aborted) await sleep(LOOK_EVERY_MS);
      const seconds = (performance.now() - freshet.capturedFrom) / 1_000;
      const used = processesOf(freshet.run);
      return {
        'rows per second': { value: ROWS / seconds, unit: '/s', target: { atLeast: 2_000 } },
        seconds: { value: seconds, unit: 's' },
        ...Object.fromEntries(
          used.map(({ name, cpuSeconds }) => [`cpu of ${name}`, { value: cpuSeconds, unit: 's' }]),
        ),
      };
    } finally {
      await freshet.stop();
    }
  } finally {
    await source.stop();
  }
};

export const loadBench: Bench = {
  name: 'load',
  measures: 'initial load of 50,000 rows of about 100 tokens, instant embedder',
  runs: 3,
  run: measure,
};
