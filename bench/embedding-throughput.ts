/**
 * What the pipeline makes of a local model that computes all the time, beside what the model does alone: rows in Postgres → found, against
 * the same texts handed to the same model with the same threads and nothing else to do.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createKafkaJsClient } from '../connectors/kafka/kafkajs-client.ts';
import { scanTopic } from '../connectors/kafka/scan.ts';
import { openMinilmEmbeddingModel } from '../connectors/models/embedding/minilm-embedding-model.ts';
import { openRecordCodec } from '../connectors/registry/record-codec.ts';
import { openSchemaRegistry } from '../connectors/registry/schema-registry.ts';
import { artifactsIn } from '../connectors/stack/artifacts.ts';
import { cacheDirectoryOf } from '../connectors/stack/cache-directory.ts';
import { TOPICS } from '../schemas/topics.ts';
import type { Bench, Figures } from './support/bench.ts';
import { type FreshetUnderBench, startFreshetUnderBench } from './support/freshet-under-bench.ts';
import { processesOf } from './support/processes.ts';

/** For minutes: what starts beside the first rows is not what a model computes all the time beside. */
const ROWS = 6_000;
const LOOK_EVERY_MS = 50;
const WARM_UP_TEXTS = 8;

/** Every text that the model was asked for: equal ones of a tenant are embedded once. */
const textsOf = async ({ freshet }: FreshetUnderBench): Promise<readonly string[]> => {
  const { run } = freshet;
  const kafka = await createKafkaJsClient({ brokers: run.kafka.split(','), clientId: 'freshet-bench' });
  const codec = await openRecordCodec(openSchemaRegistry(run.schemaRegistry));
  const texts = new Map<string, string>();
  try {
    await scanTopic(kafka, { topic: TOPICS.documents.name }, async ({ value }) => {
      const { tenant, title, text, chunks } = await codec.decode('Document', value);
      for (const { hash, start, end } of chunks)
        texts.set(`${tenant} ${hash}`, `${title}\n${text.slice(start, end)}`);
    });
  } finally {
    await kafka.close();
  }
  return [...texts.values()];
};

const bareRate = async (texts: readonly string[], workers: number): Promise<number> => {
  const { modelDirectory } = artifactsIn(cacheDirectoryOf(process.env));
  const model = await openMinilmEmbeddingModel({ modelDirectory, workers });
  try {
    await model.embed(texts.slice(0, WARM_UP_TEXTS));
    const begun = performance.now();
    await model.embed(texts);
    return texts.length / ((performance.now() - begun) / 1_000);
  } finally {
    await model.close();
  }
};

const measure = async (tell: (line: string) => void, signal: AbortSignal): Promise<Figures> => {
  const bench = await startFreshetUnderBench({
    config: 'freshness.config.ts',
    sampleRows: ROWS,
    tell,
    signal,
  });
  const { workers } = bench.config.embedding;
  let texts: readonly string[];
  let seconds: number;
  let share: number;
  try {
    // From the first batch on: how long a connector takes to begin is another bench's figure.
    let first = await bench.index.status();
    while (first.rows === 0 && !signal.aborted) {
      await sleep(LOOK_EVERY_MS);
      first = await bench.index.status();
    }
    const begun = performance.now();
    await bench.untilIndexed(ROWS);
    seconds = (performance.now() - begun) / 1_000;
    const { rows } = await bench.index.status();
    share = (rows - first.rows) / rows;
    texts = await textsOf(bench);
    const used = processesOf(bench.freshet.run);
    tell(used.map(({ name, cpuSeconds }) => `${name} ${cpuSeconds.toFixed(1)}`).join('  '));
  } finally {
    await bench.stop();
  }
  const pipeline = (texts.length * share) / seconds;
  const bare = await bareRate(texts, workers);
  tell(`${texts.length} texts: pipeline ${pipeline.toFixed(1)} /s, bare ${bare.toFixed(1)} /s`);
  return {
    'share of the bare model': { value: pipeline / bare, unit: '', target: { atLeast: 0.9 } },
    'texts per second in the pipeline': { value: pipeline, unit: '/s' },
    'texts per second of the bare model': { value: bare, unit: '/s' },
    texts: { value: texts.length, unit: '' },
    threads: { value: workers, unit: '' },
  };
};

export const embeddingThroughputBench: Bench = {
  name: 'embedding-throughput',
  measures:
    'initial load of 6,000 rows with the real model, beside the bare model on the same texts and threads',
  runs: 3,
  run: measure,
};
