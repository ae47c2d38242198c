/**
 * What the runtime adds to a step: claim, intent, journal writes and decisions, without the time of the model, tools
 * and retrieval. One real broker; an instant model that asks for a tool twice and then answers, one execution at a time.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Bench, percentile } from './support/bench.ts';
import { openInstantWorker } from './support/instant-worker.ts';

const TASKS = 200;
const WARM_UP = 50;

export const stepOverheadBench: Bench = {
  name: 'step-overhead',
  measures: 'runtime overhead per journaled step, one execution at a time, instant model and tool',
  runs: 3,
  run: async (tell, signal) => {
    const bench = await openInstantWorker({ concurrency: 1, toolCalls: 2, signal });
    try {
      let counted = 0;
      const begun = performance.now();
      for (let at = 0; at < WARM_UP + TASKS && !signal.aborted; at += 1) {
        if (at === WARM_UP) counted = bench.stepEvents().length;
        await bench.submit(1);
        while (bench.counts().ended <= at) await sleep(1);
      }
      const steps = bench.stepEvents().slice(counted);
      tell(`${steps.length} steps in ${Math.round(performance.now() - begun)} ms`);
      const overhead = (at: number, kind: string): number =>
        percentile(
          steps.filter((step) => step.kind === kind).map((step) => step.overheadMicros / 1_000),
          at,
        );
      return {
        'pure step p50': { value: overhead(50, 'tool'), unit: 'ms', target: { atMost: 0.3 } },
        'pure step p99': { value: overhead(99, 'tool'), unit: 'ms' },
        'step with a barrier p50': { value: overhead(50, 'model'), unit: 'ms', target: { atMost: 2 } },
        'step with a barrier p99': { value: overhead(99, 'model'), unit: 'ms', target: { atMost: 8 } },
        steps: { value: steps.length, unit: '' },
      };
    } finally {
      await bench.close();
    }
  },
};
