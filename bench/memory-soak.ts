/**
 * Whether memory grows: 100,000 executions of many short conversations remembered by one worker over real servers, with the
 * pipeline and the index that long-term memories take, at times so short that every rule acts many times within the run: sessions
 * end after 5 s, memories after 60 s, 40 of an agent and tenant are kept. Ends after five minutes at whatever it has reached.
 */

import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type MemoryEvent, openAgentMemory } from '../agents/memory/open-agent-memory.ts';
import { openLmdbDocumentTable } from '../connectors/document-table/lmdb-document-table.ts';
import { createKafkaJsClient } from '../connectors/kafka/kafkajs-client.ts';
import { openRecordWriter } from '../connectors/kafka/record-writer.ts';
import { createHashEmbeddingModel } from '../connectors/models/embedding/hash-embedding-model.ts';
import { createExtractiveModel } from '../connectors/models/language/extractive-model.ts';
import { openRedisConnection } from '../connectors/redis/redis-connection.ts';
import { openRecordCodec } from '../connectors/registry/record-codec.ts';
import { openSchemaRegistry } from '../connectors/registry/schema-registry.ts';
import { seededRandom } from '../connectors/sample-source/seeded-random.ts';
import { startIndexRole } from '../pipelines/apply-index/index-role.ts';
import { startIndexDocuments } from '../pipelines/index-documents/index-documents.ts';
import { systemClock } from '../schemas/clock.ts';
import { defineConfig } from '../schemas/config.ts';
import { memoryPolicyOf } from '../schemas/memory-policy.ts';
import { PARTITIONS, TOPICS } from '../schemas/topics.ts';
import { type Bench, percentile } from './support/bench.ts';
import { openBenchStack } from './support/bench-stack.ts';

const EXECUTIONS = 100_000;
const MOST_MS = 300_000;
const AT_ONCE = 32;
const TURNS_OF_SESSION = 6;
const AGENTS = 5;
const TENANTS = 4;
/** One execution in so many called a tool: there is a behaviour to learn. */
const LEARNS_EVERY = 5;
const SAMPLE_MS = 2_000;
const POLICY = memoryPolicyOf({
  session: { ttlMs: 5_000, maxTurns: 8, maxCharacters: 8_000 },
  longTerm: { topK: 4, ttlMs: 60_000, maxPerTenant: 40, halfLifeMs: 60_000, mergeAbove: 0.95 },
});
const WORDS =
  'order parcel invoice router cable window valve pump lamp crate harbour label return refund delay'.split(
    ' ',
  );

interface Sample {
  readonly executions: number;
  readonly redisMegabytes: number;
  readonly heapMegabytes: number;
  readonly sessions: number;
  readonly kept: number;
}

const MEGABYTE = 1024 * 1024;

/** What is held, not what waits to be collected. */
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Least squares: what is added for every 10,000 executions. */
const slopeOf = (samples: readonly Sample[], of: (sample: Sample) => number): number => {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, each) => sum + each, 0) / values.length;
  const [x, y] = [mean(samples.map(({ executions }) => executions)), mean(samples.map(of))];
  const over = samples.reduce((sum, each) => sum + (each.executions - x) * (of(each) - y), 0);
  const by = samples.reduce((sum, { executions }) => sum + (executions - x) ** 2, 0);
  return by === 0 ? 0 : (over / by) * 10_000;
};

export const memorySoakBench: Bench = {
  name: 'memory-soak',
  measures:
    'memory of Redis and process while 100,000 executions are remembered, summarised, merged and pruned',
  runs: 1,
  run: async (tell, signal, { rows = EXECUTIONS, seconds = MOST_MS / 1_000 }) => {
    const servers = await openBenchStack(['kafka', 'schemaRegistry', 'redis'], signal);
    const { stack, root } = servers;
    const kafka = await createKafkaJsClient({ brokers: [stack.kafka], clientId: 'bench' });
    const writer = openRecordWriter(kafka);
    const stops: (() => Promise<unknown>)[] = [];
    try {
      await kafka.admin.createTopics(Object.values(TOPICS));
      const registry = openSchemaRegistry(`${stack.schemaRegistry}/apis/ccompat/v7`);
      const codec = await openRecordCodec(registry);
      const config = defineConfig({ sources: {}, agents: [] });
      const model = createHashEmbeddingModel();
      const onFailure = (error: Error): void => tell(error.message);
      const table = await openLmdbDocumentTable({ folder: join(root, 'documents') });
      stops.push(() => table.close());
      const pipeline = await startIndexDocuments({
        ...{ kafka, writer, codec, registry, table, model, config, clock: systemClock, onFailure },
        readRow: async () => undefined,
        onEvent: () => undefined,
      });
      stops.push(() => pipeline.stop());
      const index = await startIndexRole({
        ...{ kafka, writer, codec, model, clock: systemClock, onFailure },
        ...{ name: 'bench', folder: join(root, 'index'), sources: [], targetMs: 5_000 },
        timings: false,
        onEvent: () => undefined,
      });
      stops.push(() => index.stop());
      const agents = Array.from({ length: AGENTS }, (_, at) => `agent-${at}`);
      const sums = { moved: 0, ended: 0, expired: 0, tooMany: 0, trouble: 0 };
      const onEvent = (event: MemoryEvent): void => {
        if (event.type === 'memory-trouble') {
          sums.trouble += 1;
          if (sums.trouble <= 5) tell(event.error.message);
        }
        if (event.type !== 'memories-kept') return;
        sums.moved += event.turnsMoved;
        sums.ended += event.sessionsEnded;
        sums.expired += event.expired;
        sums.tooMany += event.tooMany;
      };
      const opened = await openAgentMemory({
        ...{ kafka, codec, writer, retriever: index, redis: stack.redis, clock: systemClock, onEvent },
        models: [createExtractiveModel()],
        localTenant: 'default',
        policies: new Map(agents.map((agent) => [agent, POLICY])),
        owned: () => Array.from({ length: PARTITIONS }, (_, at) => at),
        ...{ keepEveryMs: 200, prunedKnownMs: 10_000 },
      });
      stops.push(() => opened.stop());
      const redis = openRedisConnection(stack.redis);
      stops.push(() => redis.close());

      const random = seededRandom(1);
      const word = (): string => WORDS[Math.floor(random.fraction() * WORDS.length)] ?? 'order';
      const begun = performance.now();
      const left = (): boolean => !signal.aborted && performance.now() - begun < seconds * 1_000;
      const recalls: number[] = [];
      let done = 0;

      const execute = async (at: number): Promise<void> => {
        const session = Math.floor(at / AT_ONCE / TURNS_OF_SESSION) * AT_ONCE + (at % AT_ONCE);
        const of = {
          agent: agents[session % AGENTS] ?? '',
          tenant: `tenant-${session % TENANTS}`,
          sessionId: `s-${session}`,
        };
        const question = `What of the ${word()} and the ${word()} of customer ${Math.floor(random.fraction() * 40)}?`;
        const answer = `The ${word()} is with the ${word()}. It will take ${at % 30} days. ${'We wrote to them. '.repeat(8)}`;
        const started = performance.now();
        await opened.memory.recall({ ...of, text: question, policy: POLICY }, AbortSignal.timeout(60_000));
        recalls.push(performance.now() - started);
        await opened.memory.remember({
          ...{ ...of, question, answer, policy: POLICY, executionId: `execution-${at}`, at: systemClock() },
          place: { topic: TOPICS.agentEvents.name, partition: session % PARTITIONS, offset: at },
          outcome: 'completed',
          tools: at % LEARNS_EVERY === 0 ? [{ name: `find-${word()}`, input: '{}', worked: true }] : [],
          ...{ retrieved: true, feedback: null },
        });
        done += 1;
      };

      const samples: Sample[] = [];
      const sample = async (): Promise<void> => {
        const used = await redis.use(
          async (client) => /used_memory:(\d+)/.exec(await client.info('memory'))?.[1],
        );
        collect();
        let kept = 0;
        for (const namespace of opened.ledger.namespaces())
          for (const { state, kind } of opened.ledger.of(namespace))
            if (state === 'kept' && kind !== 'cut') kept += 1;
        samples.push({
          executions: done,
          redisMegabytes: Number(used) / MEGABYTE,
          heapMegabytes: process.memoryUsage().heapUsed / MEGABYTE,
          sessions: (await opened.sessions.list(() => true, 100_000)).length,
          kept,
        });
        const last = samples.at(-1);
        if (samples.length % 10 === 0) tell(JSON.stringify(last));
      };
      const timer = setInterval(() => void sample().catch(onFailure), SAMPLE_MS);
      let next = 0;
      await Promise.all(
        Array.from({ length: AT_ONCE }, async () => {
          for (let at = next++; at < rows && left(); at = next++) await execute(at);
        }),
      );
      clearInterval(timer);
      const took = (performance.now() - begun) / 1_000;
      await opened.memory.settled();
      const half = samples.slice(Math.floor(samples.length / 2));
      const peak = (of: (each: Sample) => number, list: readonly Sample[]): number =>
        Number(Math.max(...list.map(of)).toFixed(1));
      const [first, second] = [samples.slice(0, Math.floor(samples.length / 2)), half];
      const documents = (await index.status()).documents;
      return {
        executions: { value: done, unit: '', target: { atLeast: EXECUTIONS } },
        'executions a second': { value: Math.round(done / took), unit: '/s' },
        'recall p50': { value: Number(percentile(recalls, 50).toFixed(2)), unit: 'ms' },
        'recall p99': { value: Number(percentile(recalls, 99).toFixed(2)), unit: 'ms' },
        'Redis, peak of the first half': { value: peak((each) => each.redisMegabytes, first), unit: 'MB' },
        'Redis, peak of the second half': { value: peak((each) => each.redisMegabytes, second), unit: 'MB' },
        'Redis, slope of the second half': {
          value: Number(slopeOf(half, (each) => each.redisMegabytes).toFixed(3)),
          unit: 'MB per 10,000',
        },
        'heap, peak of the first half': { value: peak((each) => each.heapMegabytes, first), unit: 'MB' },
        'heap, peak of the second half': { value: peak((each) => each.heapMegabytes, second), unit: 'MB' },
        'heap, slope of the second half': {
          value: Number(slopeOf(half, (each) => each.heapMegabytes).toFixed(3)),
          unit: 'MB per 10,000',
        },
        'sessions held, most': { value: peak((each) => each.sessions, samples), unit: '' },
        'memories kept, most': { value: peak((each) => each.kept, samples), unit: '' },
        'memories in the index at the end': { value: documents, unit: '' },
        'ledger at the end': { value: opened.ledger.size(), unit: 'records' },
        'turns moved by the keeper': { value: sums.moved, unit: '' },
        'pruned by age': { value: sums.expired, unit: '' },
        'pruned by number': { value: sums.tooMany, unit: '' },
        troubles: { value: sums.trouble, unit: '', target: { atMost: 0 } },
      };
    } finally {
      for (const stop of stops.reverse()) await stop().catch((error: Error) => tell(error.message));
      await writer.close();
      await kafka.close();
      await servers.close();
    }
  },
};
