/** The initial load: rows in Postgres before anything looks at them → all of them found, with the instant embedder. */
import type { Bench, Figures } from './support/bench.ts';
import { startFreshetUnderBench } from './support/freshet-under-bench.ts';
import { processesOf } from './support/processes.ts';

const ROWS = 50_000;

const measure = async (tell: (line: string) => void, signal: AbortSignal): Promise<Figures> => {
  const bench = await startFreshetUnderBench({
    config: 'freshness-instant.config.ts',
    sampleRows: ROWS,
    tell,
    signal,
  });
  try {
    await bench.untilIndexed(ROWS);
    const seconds = (performance.now() - bench.capturedFrom) / 1_000;
    const { documents, rows } = await bench.index.status();
    const used = processesOf(bench.freshet.run);
    tell(used.map(({ name, cpuSeconds }) => `${name} ${cpuSeconds.toFixed(1)}`).join('  '));
    return {
      'rows per second': { value: documents / seconds, unit: '/s', target: { atLeast: 2_000 } },
      'chunks per second': { value: rows / seconds, unit: '/s' },
      seconds: { value: seconds, unit: 's' },
      documents: { value: documents, unit: '' },
      ...Object.fromEntries(
        used.map(({ name, cpuSeconds }) => [`cpu of ${name}`, { value: cpuSeconds, unit: 's' }]),
      ),
    };
  } finally {
    await bench.stop();
  }
};

export const loadBench: Bench = {
  name: 'load',
  measures: 'initial load of 50,000 rows of the sample source (one line to several pages), instant embedder',
  runs: 3,
  run: measure,
};
