/**
 * Long-term recall as executions use it: 50,000 memories of one agent and tenant, appended to cdc.memory, embedded by the pipeline and
 * applied by the index role; then the recall of an execution (embedding the question, the search over loopback HTTP as between
 * processes, weighing by age and use, the use counts in Redis), one at a time and several at once. The embedder is the instant one;
 * the default model adds the time that it takes for one question (embedding-throughput).
 */

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { memoryIdOf, memoryRecord } from '../agents/memory/memory-record.ts';
import { createRecallMemories } from '../agents/memory/recall-memories.ts';
import { openLmdbDocumentTable } from '../connectors/document-table/lmdb-document-table.ts';
import { openIndex } from '../connectors/index-service/index-replicas.ts';
import { serveIndex } from '../connectors/index-service/index-server.ts';
import { createKafkaJsClient } from '../connectors/kafka/kafkajs-client.ts';
import { openRecordWriter } from '../connectors/kafka/record-writer.ts';
import { createHashEmbeddingModel } from '../connectors/models/embedding/hash-embedding-model.ts';
import { openRedisConnection } from '../connectors/redis/redis-connection.ts';
import { createRedisUseCounts } from '../connectors/redis/redis-use-counts.ts';
import { openRecordCodec } from '../connectors/registry/record-codec.ts';
import { openSchemaRegistry } from '../connectors/registry/schema-registry.ts';
import { seededRandom } from '../connectors/sample-source/seeded-random.ts';
import { createMetrics } from '../connectors/telemetry/metrics.ts';
import { startIndexRole } from '../pipelines/apply-index/index-role.ts';
import { startIndexDocuments } from '../pipelines/index-documents/index-documents.ts';
import { systemClock } from '../schemas/clock.ts';
import { defineConfig } from '../schemas/config.ts';
import { memoryPolicyOf } from '../schemas/memory-policy.ts';
import type { Memory } from '../schemas/records.ts';
import { TOPICS } from '../schemas/topics.ts';
import { type Bench, type Figure, percentile } from './support/bench.ts';
import { openBenchStack } from './support/bench-stack.ts';

const MEMORIES = 50_000;
const BATCH = 1_000;
const LOOK_MS = 250;
const WARM_UP = 200;
const RECALLS = 2_000;
const AT_ONCE = 8;
const CUSTOMERS = 5_000;
const AGENT = 'bench';
const TENANT = 'acme';
const POLICY = memoryPolicyOf({ longTerm: { topK: 4, maxPerTenant: 100_000 } }).longTerm;
const THINGS = 'order parcel invoice router cable window valve pump lamp crate harbour label'.split(' ');
const TROUBLES = 'late broken lost wrong doubled unpaid refused noisy'.split(' ');

const questionOf = (at: number): string => {
  const random = seededRandom('memory', at);
  return `The ${random.pick(THINGS)} of customer ${random.integer(1, CUSTOMERS)} is ${random.pick(TROUBLES)}, and so is the ${random.pick(THINGS)}.`;
};

const memoryOf = (at: number): Memory => {
  const now = systemClock();
  const question = questionOf(at);
  return {
    memoryId: memoryIdOf('summary', [TENANT, AGENT, at]),
    ...{ kind: 'summary', state: 'kept', tenant: TENANT, agent: AGENT, sessionId: `s-${at}` },
    title: `Conversation: ${question}`,
    text: `Asked: ${question}\nAnswered: it was sent again on day ${at % 30}, and they were told.`,
    ...{ origin: 'user', uses: 1, createdAt: now, at: now, expiresAt: now + 90 * 86_400_000_000 },
    executionId: `execution-${at}`,
    places: [{ topic: TOPICS.agentEvents.name, partition: 0, from: at, to: at }],
    reason: 'extracted',
  };
};

export const longTermRecallBench: Bench = {
  name: 'long-term-recall',
  measures:
    'recall of long-term memories among 50,000 of one agent and tenant, through pipeline and index role',
  runs: 1,
  run: async (tell, signal, { rows = MEMORIES }) => {
    const servers = await openBenchStack(['kafka', 'schemaRegistry', 'redis'], signal);
    const { stack, root } = servers;
    const stops: (() => Promise<unknown>)[] = [() => servers.close()];
    try {
      const kafka = await createKafkaJsClient({ brokers: [stack.kafka], clientId: 'bench' });
      stops.push(() => kafka.close());
      const writer = openRecordWriter(kafka);
      stops.push(() => writer.close());
      await kafka.admin.createTopics(Object.values(TOPICS));
      const registry = openSchemaRegistry(`${stack.schemaRegistry}/apis/ccompat/v7`);
      const codec = await openRecordCodec(registry);
      const model = createHashEmbeddingModel();
      const onFailure = (error: Error): void => tell(error.message);
      const table = await openLmdbDocumentTable({ folder: join(root, 'documents') });
      stops.push(() => table.close());
      const config = defineConfig({ sources: {}, agents: [] });
      const pipeline = await startIndexDocuments({
        ...{ kafka, writer, codec, registry, table, model, config, clock: systemClock, onFailure },
        readRow: async () => undefined,
        onEvent: () => undefined,
      });
      stops.push(() => pipeline.stop());
      const role = await startIndexRole({
        ...{ kafka, writer, codec, model, clock: systemClock, onFailure },
        ...{ name: 'bench', folder: join(root, 'index'), sources: [], targetMs: 5_000 },
        timings: false,
        onEvent: () => undefined,
      });
      stops.push(() => role.stop());
      const health = { role: 'index', notReady: () => null, metrics: createMetrics('index').registry };
      const server = await serveIndex(role, health);
      stops.push(() => server.close());
      const redis = openRedisConnection(stack.redis);
      stops.push(() => redis.close());

      const begun = performance.now();
      for (let from = 0; from < rows && !signal.aborted; from += BATCH)
        await writer.append(
          Array.from({ length: Math.min(BATCH, rows - from) }, (_, at) =>
            memoryRecord(codec, memoryOf(from + at)),
          ),
        );
      tell(`${rows} appended`);
      let { documents } = await role.status();
      for (let told = 0; documents < rows && !signal.aborted; ) {
        await sleep(LOOK_MS);
        ({ documents } = await role.status());
        if (documents < told + rows / 5) continue;
        told = documents;
        tell(`${documents} can be found`);
      }
      const seconds = (performance.now() - begun) / 1_000;
      tell(`${documents} memories can be found after ${seconds.toFixed(0)} s`);

      const recall = createRecallMemories({
        retriever: openIndex(server.url),
        uses: createRedisUseCounts(redis),
        clock: systemClock,
        onTrouble: onFailure,
      });
      if (!POLICY) throw new Error('a policy with long-term memory has one');
      let found = 0;
      const recallOne = async (at: number): Promise<number> => {
        const of = (at * 7_919) % rows;
        const asked = performance.now();
        const memories = await recall({ agent: AGENT, tenant: TENANT, text: questionOf(of) }, POLICY, signal);
        const took = performance.now() - asked;
        const wanted = memoryIdOf('summary', [TENANT, AGENT, of]);
        if (memories.some(({ memoryId }) => memoryId === wanted)) found += 1;
        return took;
      };
      const timed = async (first: number, count: number, atOnce: number): Promise<readonly number[]> => {
        const samples: number[] = [];
        let next = 0;
        const lane = async (): Promise<void> => {
          for (let at = next++; at < count && !signal.aborted; at = next++)
            samples.push(await recallOne(first + at));
        };
        await Promise.all(Array.from({ length: atOnce }, lane));
        return samples;
      };
      await timed(0, WARM_UP, 1);
      found = 0;
      const alone = await timed(WARM_UP, RECALLS, 1);
      const foundAlone = found / alone.length;
      const together = await timed(WARM_UP + RECALLS, RECALLS, AT_ONCE);
      const of = (samples: readonly number[], at: number, atMost?: number): Figure => ({
        value: Number(percentile(samples, at).toFixed(2)),
        unit: 'ms',
        ...(atMost === undefined ? {} : { target: { atMost } }),
      });
      return {
        'recall p50': of(alone, 50),
        'recall p99': of(alone, 99, 20),
        [`${AT_ONCE} at once p50`]: of(together, 50),
        [`${AT_ONCE} at once p99`]: of(together, 99),
        'the memory asked for was among the four': { value: Number(foundAlone.toFixed(4)), unit: '' },
        memories: { value: documents, unit: '' },
        'appended to found, all of them': { value: Math.round(seconds), unit: 's' },
      };
    } finally {
      for (const stop of stops.toReversed()) await stop().catch((error: Error) => tell(error.message));
    }
  },
};
