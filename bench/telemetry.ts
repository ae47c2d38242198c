/**
 * What metrics add to a journaled step, timed at their calls in one run: in the worker, which observes the overhead of each step, and
 * in the gateway, which counts steps, tasks, tokens and money from the journal and the ledger behind it. Executions of twenty steps
 * by a real worker; the gateway's share is taken of the same records, read again from the beginning. There are no spans to time:
 * a task's traceparent travels in headers and costs no call.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { countRuntimeEvents } from '../cli/roles/runtime-metrics.ts';
import { scanTopic } from '../connectors/kafka/scan.ts';
import { openPayloadReader } from '../connectors/payloads/payload-reader.ts';
import { createMetrics } from '../connectors/telemetry/metrics.ts';
import { foldRecordsInto } from '../gateway/read-models/fold-records.ts';
import { createLiveMetrics, type LiveMetrics } from '../gateway/read-models/live-metrics.ts';
import { createReadModels } from '../gateway/read-models/read-models.ts';
import { startExecutionProjection } from '../pipelines/project-executions/project-executions.ts';
import { systemClock } from '../schemas/clock.ts';
import { defineConfig } from '../schemas/config.ts';
import { TOPICS } from '../schemas/topics.ts';
import { type Bench, percentile } from './support/bench.ts';
import { openInstantWorker } from './support/instant-worker.ts';

const EXECUTIONS = 500;
const WARM_UP = 100;
const CONCURRENCY = 50;
const TOOL_CALLS = 10;
/** A look is no sooner than the projection has everything, which it takes in behind the worker. */
const LOOK_MS = 50;

/** Milliseconds of each call. */
const timedCalls = () => {
  let taken: number[] = [];
  return {
    around:
      <Given extends readonly unknown[]>(call: (...given: Given) => void) =>
      (...given: Given): void => {
        const begun = process.hrtime.bigint();
        call(...given);
        taken.push(Number(process.hrtime.bigint() - begun) / 1e6);
      },
    forget: () => {
      taken = [];
    },
    all: (): readonly number[] => taken,
    sum: (): number => taken.reduce((sum, each) => sum + each, 0),
  };
};

export const telemetryBench: Bench = {
  name: 'telemetry',
  measures: 'what metrics add to a journaled step, in the worker and in the gateway, timed at their calls',
  runs: 3,
  run: async (tell, signal) => {
    const metrics = createMetrics('agents');
    const worker = timedCalls();
    const bench = await openInstantWorker({
      ...{ concurrency: CONCURRENCY, toolCalls: TOOL_CALLS, signal },
      onEvent: worker.around(countRuntimeEvents(metrics)),
    });
    const { kafka, codec, writer } = bench;
    const projection = await startExecutionProjection({ kafka, codec, writer });
    try {
      await bench.submit(WARM_UP);
      while (bench.counts().ended < WARM_UP && !signal.aborted) await sleep(5);
      worker.forget();
      const before = bench.counts().steps;
      await bench.submit(EXECUTIONS);
      while (bench.counts().ended < WARM_UP + EXECUTIONS && !signal.aborted) await sleep(5);
      const steps = bench.counts().steps - before;
      const paid = bench.stepEvents().filter(({ kind }) => kind === 'model').length;
      const costs = async (): Promise<number> =>
        (await kafka.admin.offsets(TOPICS.costs.name)).reduce((sum, { latest }) => sum + latest, 0);
      while ((await costs()) < paid && !signal.aborted) await sleep(LOOK_MS);

      const config = defineConfig({ sources: {}, agents: [] });
      const live = createLiveMetrics(createMetrics('gateway'), [], []);
      const gateway = timedCalls();
      const timed: LiveMetrics = {
        ...live,
        event: gateway.around(live.event),
        cost: gateway.around(live.cost),
      };
      const fold = foldRecordsInto({
        ...{ models: createReadModels(config.freshness), codec, clock: systemClock, live: timed },
        payloads: openPayloadReader(kafka, codec),
        onUnreadable: (_, error) => tell(error.message),
      });
      for (const { name } of [TOPICS.tasks, TOPICS.agentEvents, TOPICS.costs])
        await scanTopic(kafka, { topic: name }, (record) => fold(record, true));
      const inAll = bench.counts().steps;
      tell(`${steps} steps, ${gateway.all().length} records counted by the gateway of ${inAll} steps`);
      const [inWorker, inGateway] = [worker.sum() / steps, gateway.sum() / inAll];
      return {
        'worker, a step': { value: inWorker, unit: 'ms' },
        'worker, a call p99': { value: percentile(worker.all(), 99), unit: 'ms' },
        'gateway, a step': { value: inGateway, unit: 'ms' },
        'gateway, a call p99': { value: percentile(gateway.all(), 99), unit: 'ms' },
        'metrics of a step, all': { value: inWorker + inGateway, unit: 'ms', target: { atMost: 0.1 } },
        steps: { value: steps, unit: '' },
      };
    } finally {
      await projection.stop();
      await bench.close();
    }
  },
};
