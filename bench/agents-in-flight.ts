/**
 * Five thousand executions in flight in one worker, all of them waiting for slow models: what that takes of memory, whether
 * the event loop and with it the heartbeat is ever late, and whether a tenant with few tasks waits behind one with many.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from './support/bench.ts';
import { openInstantWorker } from './support/instant-worker.ts';

const IN_FLIGHT = 5_000;
const MODEL_MS = 20_000;
const MEBIBYTE = 2 ** 20;

export const agentsInFlightBench: Bench = {
  name: 'agents-in-flight',
  measures: 'one worker with 5,000 executions that wait for slow models',
  runs: 1,
  run: async (tell, signal) => {
    const bench = await openInstantWorker({
      concurrency: IN_FLIGHT,
      toolCalls: 0,
      modelMs: MODEL_MS,
      tenants: 10,
      signal,
    });
    try {
      const before = process.memoryUsage().rss;
      const delay = monitorEventLoopDelay({ resolution: 5 });
      delay.enable();
      const began = performance.now();
      await bench.submit(IN_FLIGHT);
      let most = 0;
      let inFlight = 0;
      while (bench.counts().ended < IN_FLIGHT && !signal.aborted) {
        most = Math.max(most, process.memoryUsage().rss);
        inFlight = Math.max(inFlight, bench.running());
        await sleep(50);
      }
      delay.disable();
      const seconds = (performance.now() - began) / 1_000;
      tell(`${inFlight} at once; all ended after ${seconds.toFixed(1)} s`);
      return {
        'in flight at once': { value: inFlight, unit: '', target: { atLeast: IN_FLIGHT } },
        "worker's memory": { value: most / MEBIBYTE, unit: 'MiB', target: { atMost: 1_024 } },
        'of it for the executions': { value: (most - before) / MEBIBYTE, unit: 'MiB' },
        // A heartbeat is due every three seconds, and a member is given up after ten.
        'longest wait of the event loop': { value: delay.max / 1e6, unit: 'ms', target: { atMost: 1_000 } },
        'partitions lost': { value: bench.partitionsLost(), unit: '', target: { atMost: 0 } },
        'all ended after': { value: seconds, unit: 's' },
      };
    } finally {
      await bench.close();
    }
  },
};
