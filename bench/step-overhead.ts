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
      const warmUp = { tool: 0, model: 0 };
      const begun = performance.now();
      for (let at = 0; at < WARM_UP + TASKS && !signal.aborted; at += 1) {
        if (at === WARM_UP) {
          warmUp.tool = bench.overheadMillis('tool').length;
          warmUp.model = bench.overheadMillis('model').length;
        }
        await bench.submit(1);
        while (bench.counts().ended <= at) await sleep(1);
      }
      const tool = bench.overheadMillis('tool').slice(warmUp.tool);
      const model = bench.overheadMillis('model').slice(warmUp.model);
      const steps = tool.length + model.length;
      tell(`${steps} steps in ${Math.round(performance.now() - begun)} ms`);
      return {
        'pure step p50': { value: percentile(tool, 50), unit: 'ms', target: { atMost: 0.3 } },
        'pure step p99': { value: percentile(tool, 99), unit: 'ms' },
        'step with a barrier p50': { value: percentile(model, 50), unit: 'ms', target: { atMost: 2 } },
        'step with a barrier p99': { value: percentile(model, 99), unit: 'ms', target: { atMost: 8 } },
        steps: { value: steps, unit: '' },
      };
    } finally {
      await bench.close();
    }
  },
};
