/** The gateway's metrics are sums over processes, and what counts must never fall. */
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createMetrics } from '../../connectors/telemetry/metrics.ts';
import { keepRoleCounts } from '../../gateway/role-counts.ts';

const SILENT = Symbol();
const told = (ask: (worker: number) => unknown) =>
  keepRoleCounts(() =>
    Promise.all(
      [0, 1].map(async (worker) => {
        const metrics = await ask(worker);
        return { at: `worker-${worker}`, role: 'agents', metrics: metrics === SILENT ? undefined : metrics };
      }),
    ),
  );

const shownAs = async (start: string, others: readonly unknown[]): Promise<number> => {
  const text = await createMetrics('gateway').registry.text(others);
  const line = text.split('\n').find((each) => each.startsWith(start));
  return Number(line?.split(' ').at(-1) ?? 0);
};

const step = fc.record({
  worker: fc.constantFrom(0, 1),
  does: fc.constantFrom('count', 'restart', 'silence'),
  many: fc.integer({ min: 1, max: 5 }),
});

test('over silences and restarts it is all that was counted, series by series', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const workers = [createMetrics('agents'), createMetrics('agents')];
      let silent: number | undefined;
      const counts = told((worker) => (worker === silent ? SILENT : workers[worker]?.registry.json()));
      let counted = 0;
      for (const { worker, does, many } of steps) {
        const { tasks, taskSeconds } = workers[worker] ?? createMetrics('agents');
        if (does === 'restart') workers[worker] = createMetrics('agents');
        if (does === 'count') {
          tasks.inc({ agent: 'support', outcome: 'completed' }, many);
          for (let at = 0; at < many; at += 1) taskSeconds.observe({ agent: 'support' }, 0.25);
          counted += many;
        }
        silent = does === 'silence' ? worker : undefined;
        const others = await counts();
        expect(await shownAs('freshet_tasks_total{', others)).toBe(counted);
        expect(await shownAs('freshet_task_seconds_count{', others)).toBe(counted);
        expect(await shownAs('freshet_task_seconds_sum{', others)).toBe(counted / 4);
        expect(await shownAs('freshet_task_seconds_bucket{le="0.25"', others)).toBe(counted);
        expect(await shownAs('freshet_task_seconds_bucket{le="0.1"', others)).toBe(0);
      }
    }),
    { numRuns: 40 },
  );
});

test('of a process that is silent nothing is said of now', async () => {
  const worker = createMetrics('agents');
  let silent = false;
  const counts = told(() => (silent ? SILENT : worker.registry.json()));
  const memory = async () => shownAs('freshet_process_memory_bytes{role="agents"}', await counts());
  expect(await memory()).toBeGreaterThan(0);
  silent = true;
  expect(await memory()).toBe(0);
});

test('answers that overtake each other are no restart', async () => {
  const worker = createMetrics('agents');
  let slow = 50;
  const counts = told(async () => {
    // The first that is asked answers last.
    const delay = slow;
    slow = 0;
    const metrics = await worker.registry.json();
    await sleep(delay);
    return metrics;
  });
  const count = () => worker.tasks.inc({ agent: 'support', outcome: 'completed' });
  count();
  const first = counts();
  await sleep(10);
  count();
  await Promise.all([first, counts()]);
  // Twice two: both are the same process.
  expect(await shownAs('freshet_tasks_total{', await counts())).toBe(4);
});
