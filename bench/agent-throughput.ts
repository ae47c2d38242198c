/**
 * How many journaled steps a worker takes each second: executions of twenty steps, ten of an instant model and ten of an
 * instant tool, fifty at once, on one real broker. Every model step waits for the log before it and is in the log after it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Bench, percentile } from './support/bench.ts';
import { openInstantWorker } from './support/instant-worker.ts';

const EXECUTIONS = 1_000;
const WARM_UP = 200;
const CONCURRENCY = 50;
const TOOL_CALLS = 10;

export const agentThroughputBench: Bench = {
  name: 'agent-throughput',
  measures: 'journaled steps a second, executions of twenty steps at concurrency 50, instant model and tool',
  runs: 3,
  run: async (tell, signal) => {
    const bench = await openInstantWorker({ concurrency: CONCURRENCY, toolCalls: TOOL_CALLS, signal });
    try {
      const through = async (executions: number) => {
        const before = bench.counts();
        const began = performance.now();
        await bench.submit(executions);
        while (bench.counts().ended < before.ended + executions && !signal.aborted) await sleep(5);
        const seconds = (performance.now() - began) / 1_000;
        return { seconds, steps: bench.counts().steps - before.steps };
      };
      await through(WARM_UP);
      const cpuBefore = process.cpuUsage();
      const { seconds, steps } = await through(EXECUTIONS);
      const cpu = process.cpuUsage(cpuBefore);
      const perSecond = steps / seconds;
      tell(`${EXECUTIONS} executions, ${steps} steps in ${seconds.toFixed(1)} s`);
      const took = bench.executionMillis().slice(-EXECUTIONS);
      return {
        'steps a second': { value: perSecond, unit: 'steps/s', target: { atLeast: 4_000 } },
        'executions a second': { value: EXECUTIONS / seconds, unit: '/s' },
        'an execution, p50': { value: percentile(took, 50), unit: 'ms' },
        'an execution, p99': { value: percentile(took, 99), unit: 'ms' },
        "worker's CPU a step": { value: (cpu.user + cpu.system) / 1_000 / steps, unit: 'ms' },
        steps: { value: steps, unit: '' },
      };
    } finally {
      await bench.close();
    }
  },
};
