/**
 * The initial load: 50,000 rows of about 100 tokens in Postgres before anything looks at them → all of them found, with the
 * instant embedder. Timed from the first row that is captured, and from before the roles start, as `peers-load` does.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunFile } from '../cli/run-file.ts';
import { createKafkaJsClient } from '../connectors/kafka/kafkajs-client.ts';
import { scanTopic } from '../connectors/kafka/scan.ts';
import { changeTopic } from '../schemas/topics.ts';
import { PEERS_SOURCE } from './peers-freshet-config.ts';
import type { Bench, Figures } from './support/bench.ts';
import { startBenchSource } from './support/bench-source.ts';
import { startFreshetIndexer } from './support/freshet-indexer.ts';
import { processesOf } from './support/processes.ts';

const ROWS = 50_000;
const LOOK_EVERY_MS = 200;

/** When the first row was captured, by performance.now(). */
const firstCapturedAt = async ({ kafka: brokers }: RunFile): Promise<number> => {
  const kafka = await createKafkaJsClient({ brokers: brokers.split(','), clientId: 'freshet-bench' });
  const topic = changeTopic(PEERS_SOURCE).name;
  try {
    const partitions = await kafka.admin.offsets(topic);
    const to = new Map(partitions.map(({ partition, earliest }) => [partition, earliest + 1]));
    const times: number[] = [];
    await scanTopic(kafka, { topic, to }, ({ timestamp }) => times.push(timestamp));
    return Math.min(...times) - performance.timeOrigin;
  } finally {
    await kafka.close();
  }
};

const measure = async (tell: (line: string) => void, signal: AbortSignal): Promise<Figures> => {
  const source = await startBenchSource(signal);
  try {
    const url = await source.fill(ROWS, 'default');
    const freshet = await startFreshetIndexer({ url, tell, signal });
    try {
      while ((await freshet.documents()) < ROWS && !signal.aborted) await sleep(LOOK_EVERY_MS);
      const found = performance.now();
      const used = processesOf(freshet.run);
      const seconds = (found - (await firstCapturedAt(freshet.run))) / 1_000;
      const sinceStart = (found - freshet.serversReadyAt) / 1_000;
      return {
        'rows per second': { value: ROWS / seconds, unit: '/s', target: { atLeast: 2_000 } },
        'rows per second, starting counted': { value: ROWS / sinceStart, unit: '/s' },
        seconds: { value: seconds, unit: 's' },
        'seconds, starting counted': { value: sinceStart, unit: 's' },
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
