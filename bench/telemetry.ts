/**
 * What metrics and traces add to a journaled step, timed at their calls in one run: in the worker, which observes the overhead of each
 * step and makes its spans, all of them sampled, and in the gateway, which counts steps, tasks, tokens and money from the journal and
 * the ledger behind it. Executions of twenty steps by a real worker; the gateway's share is taken of the same records, read again from
 * the beginning. Spans go to a collector in this process, which reads requests and keeps nothing: making a span, queueing it and
 * writing the request of its batch are counted, the collector's own work is not. What the ids and headers of a task's trace cost is
 * timed by itself, over and over.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RuntimeEvent } from '../agents/runtime/runtime-event.ts';
import { countRuntimeEvents } from '../cli/roles/runtime-metrics.ts';
import { spansOfRuntimeEvent } from '../cli/roles/runtime-spans.ts';
import { scanTopic } from '../connectors/kafka/scan.ts';
import { openPayloadReader } from '../connectors/payloads/payload-reader.ts';
import { createMetrics } from '../connectors/telemetry/metrics.ts';
import { openSpanExporter } from '../connectors/telemetry/span-exporter.ts';
import { foldRecordsInto } from '../gateway/read-models/fold-records.ts';
import { createLiveMetrics, type LiveMetrics } from '../gateway/read-models/live-metrics.ts';
import { createReadModels } from '../gateway/read-models/read-models.ts';
import { startExecutionProjection } from '../pipelines/project-executions/project-executions.ts';
import { systemClock } from '../schemas/clock.ts';
import { defineConfig } from '../schemas/config.ts';
import { stepContextOf, taskTraceOf } from '../schemas/task-trace.ts';
import { TOPICS } from '../schemas/topics.ts';
import { traceparentOf } from '../schemas/trace-context.ts';
import { type Bench, percentile } from './support/bench.ts';
import { openInstantWorker } from './support/instant-worker.ts';

const EXECUTIONS = 500;
const WARM_UP = 100;
const CONCURRENCY = 50;
const TOOL_CALLS = 10;
/** A look is no sooner than the projection has everything, which it takes in behind the worker. */
const LOOK_MS = 50;

const ID_ROUNDS = 20_000;
const STEPS_OF_A_TASK = 21;
const FLUSH_WITHIN_MS = 30_000;

/** Takes whatever comes, as a collector on another machine would. */
const openCollector = async () => {
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
};

/** Of a step: its share of its task's ids, and the header of what it calls. Milliseconds. */
const idsOfAStep = (): number => {
  const began = performance.now();
  let length = 0;
  for (let round = 0; round < ID_ROUNDS; round += 1) {
    const executionId = `execution-${round}`;
    const trace = taskTraceOf(undefined, executionId, 1);
    for (let step = 0; step < STEPS_OF_A_TASK; step += 1)
      length += traceparentOf(stepContextOf(trace, executionId, 1, step)).length;
  }
  if (length === 0) throw new Error('no header was made');
  return (performance.now() - began) / (ID_ROUNDS * STEPS_OF_A_TASK);
};

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
  measures:
    'what metrics and traces add to a journaled step, in the worker and in the gateway, timed at their calls',
  runs: 3,
  run: async (tell, signal) => {
    const metrics = createMetrics('agents');
    const worker = timedCalls();
    const spans = timedCalls();
    const counted = { exported: 0, dropped: 0 };
    const collector = await openCollector();
    const exporter = openSpanExporter({
      ...{ url: collector.url, service: 'freshet.agents', instance: 'bench' },
      onCounted: (outcome, count) => {
        counted[outcome] += count;
      },
      onTrouble: (error) => tell(error.message),
    });
    const count = worker.around(countRuntimeEvents(metrics));
    const trace = spans.around<[RuntimeEvent]>((event) => {
      for (const span of spansOfRuntimeEvent(event)) exporter.record(span);
    });
    const bench = await openInstantWorker({
      ...{ concurrency: CONCURRENCY, toolCalls: TOOL_CALLS, signal },
      onEvent: (event) => {
        count(event);
        trace(event);
      },
    });
    const { kafka, codec, writer } = bench;
    const projection = await startExecutionProjection({ kafka, codec, writer });
    try {
      await bench.submit(WARM_UP);
      while (bench.counts().ended < WARM_UP && !signal.aborted) await sleep(5);
      worker.forget();
      spans.forget();
      const busyBefore = exporter.busyMs();
      const before = bench.counts().steps;
      await bench.submit(EXECUTIONS);
      while (bench.counts().ended < WARM_UP + EXECUTIONS && !signal.aborted) await sleep(5);
      const steps = bench.counts().steps - before;
      await exporter.close(FLUSH_WITHIN_MS);
      const exporting = exporter.busyMs() - busyBefore;
      const paid = bench.overheadMillis('model').length;
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
      tell(`${counted.exported} spans exported, ${counted.dropped} dropped`);
      const [inWorker, inGateway] = [worker.sum() / steps, gateway.sum() / inAll];
      const [making, sending, ids] = [spans.sum() / steps, exporting / steps, idsOfAStep()];
      const tracing = making + sending + ids;
      return {
        'worker, a step': { value: inWorker, unit: 'ms' },
        'worker, a call p99': { value: percentile(worker.all(), 99), unit: 'ms' },
        'gateway, a step': { value: inGateway, unit: 'ms' },
        'gateway, a call p99': { value: percentile(gateway.all(), 99), unit: 'ms' },
        'metrics of a step, all': { value: inWorker + inGateway, unit: 'ms' },
        'spans of a step, made and queued': { value: making, unit: 'ms' },
        'spans, a call p99': { value: percentile(spans.all(), 99), unit: 'ms' },
        'spans of a step, exported': { value: sending, unit: 'ms' },
        'ids and headers of a step': { value: ids, unit: 'ms' },
        'tracing and metrics of a step, all': {
          value: inWorker + inGateway + tracing,
          unit: 'ms',
          target: { atMost: 0.1 },
        },
        'spans dropped': { value: counted.dropped, unit: '' },
        steps: { value: steps, unit: '' },
      };
    } finally {
      await projection.stop();
      await exporter.close(0);
      collector.close();
      await bench.close();
    }
  },
};
