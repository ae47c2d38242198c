/**
 * Faults 4 and 5 under agents at work: the broker killed and started again, then stopped for 30 s, while tasks are sent and run. Every
 * task that was acknowledged gets exactly one terminal result, what waits and the memory it takes are bounded meanwhile, and nobody has
 * to be started again (I2).
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTaskWorker, type TaskWorker } from '../../agents/runtime/task-worker.ts';
import type { KafkaClient } from '../../connectors/kafka/kafka.ts';
import { createKafkaJsClient } from '../../connectors/kafka/kafkajs-client.ts';
import { openRecordWriter, type RecordWriter } from '../../connectors/kafka/record-writer.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import { openRecordCodec, type RecordCodec } from '../../connectors/registry/record-codec.ts';
import { openSchemaRegistry } from '../../connectors/registry/schema-registry.ts';
import {
  type ExecutionProjection,
  startExecutionProjection,
} from '../../pipelines/project-executions/project-executions.ts';
import type { FreshetError } from '../../schemas/errors.ts';
import type { Result, Task } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { eventually } from '../agents/agents-stack.ts';
import { fixedRetriever } from '../agents/fixed-retriever.ts';
import { startTestStack, type TestStack } from '../support/own-stack.ts';
import { careful, lookThenAnswer } from './careful-agent.ts';

const CONCURRENCY = 8;
/** What a worker takes on at most: 64, and what came in one batch with the last of them. */
const MOST_OPEN = 1_000;
const STOPPED_MS = 30_000;
const MIB = 1024 * 1024;
/** What the process of worker, projection and sender may grow by meanwhile. */
const MAY_GROW = 96 * MIB;
let stack: TestStack;
let kafka: KafkaClient;
let codec: RecordCodec;
let writer: RecordWriter;
let sender: RecordWriter;
let worker: TaskWorker;
let projection: ExecutionProjection;
const failures: FreshetError[] = [];

beforeAll(async () => {
  stack = await startTestStack({ servers: ['kafka', 'schemaRegistry'] });
  kafka = await createKafkaJsClient({ brokers: [stack.kafka], clientId: 'broker-gone' });
  await kafka.admin.createTopics(Object.values(TOPICS));
  codec = await openRecordCodec(openSchemaRegistry(`${stack.schemaRegistry}/apis/ccompat/v7`));
  writer = openRecordWriter(kafka);
  sender = openRecordWriter(kafka);
  const onFailure = (error: FreshetError): void => void failures.push(error);
  projection = await startExecutionProjection({ kafka, codec, writer, onFailure });
  worker = await startTaskWorker({
    ...{ kafka, codec, writer, onFailure },
    retriever: fixedRetriever(),
    models: [lookThenAnswer({ secondCallMs: 100 })],
    agents: [careful],
    workerName: 'worker-without-broker',
    concurrency: CONCURRENCY,
  });
}, 300_000);

afterAll(async () => {
  await worker?.stop(1_000);
  await projection?.stop();
  await Promise.all([writer?.close(), sender?.close()]);
  await kafka?.close();
  await stack?.stop();
}, 120_000);

const taskOf = (taskId: string): Task => ({
  ...{ agent: 'careful', input: 'How long?', taskId, tenant: 'acme', principal: null, sessionId: null },
  ...{ feature: null, budget: null, freshness: null, createdAt: 0, priority: 0, notBefore: null },
  ...{ deadlineAt: null, parent: null, fork: null },
});

/** Sends one task after the other until it is told to stop, and keeps the ids of those that Kafka has acknowledged. */
const sendOn = (acknowledged: Set<string>, stopped: AbortSignal): Promise<void> =>
  (async () => {
    while (!stopped.aborted) {
      const taskId = `task-of-test-${randomUUID()}`;
      try {
        await sender.append([
          { topic: TOPICS.tasks.name, key: taskId, value: codec.encode('Task', taskOf(taskId)) },
        ]);
        acknowledged.add(taskId);
      } catch {
        // Not acknowledged: whether it runs is nobody's promise.
      }
      await sleep(100);
    }
  })();

const resultsOf = async (): Promise<ReadonlyMap<string, readonly Result[]>> => {
  const values: (Buffer | null)[] = [];
  await scanTopic(kafka, { topic: TOPICS.results.name }, ({ value }) => {
    values.push(value);
  });
  const results = new Map<string, readonly Result[]>();
  for (const value of values) {
    const result = await codec.decode('Result', value);
    results.set(result.taskId, [...(results.get(result.taskId) ?? []), result]);
  }
  return results;
};

/** Every task that was acknowledged so far has a result, and none has two that differ. */
const allHaveOne = async (acknowledged: ReadonlySet<string>): Promise<void> => {
  const results = await eventually(
    'a result of every task that was acknowledged',
    async () => {
      const found = await resultsOf().catch(() => null);
      return found && [...acknowledged].every((taskId) => found.has(taskId)) ? found : undefined;
    },
    180_000,
  );
  for (const taskId of acknowledged) {
    // A projection that was cut off may write the same again, under the same key.
    expect(new Set(results.get(taskId)?.map(({ completedAt }) => completedAt)).size).toBe(1);
    expect(results.get(taskId)?.[0]).toMatchObject({ outcome: 'completed' });
  }
};

const watched = async (during: () => Promise<void>) => {
  const atFirst = process.memoryUsage().rss;
  const most = { open: 0, pending: 0, grown: 0 };
  const watch = setInterval(() => {
    most.open = Math.max(most.open, worker.stats().open);
    most.pending = Math.max(most.pending, writer.pending());
    most.grown = Math.max(most.grown, process.memoryUsage().rss - atFirst);
  }, 50);
  try {
    await during();
  } finally {
    clearInterval(watch);
  }
  return most;
};

const fault = async (breakBroker: () => Promise<void>): Promise<void> => {
  const acknowledged = new Set<string>();
  const stopped = new AbortController();
  const sending = sendOn(acknowledged, stopped.signal);
  const most = await watched(async () => {
    await eventually('tasks under way', () => (acknowledged.size >= 10 ? true : undefined));
    await breakBroker();
    const before = acknowledged.size;
    await eventually(
      'tasks taken again',
      () => (acknowledged.size >= before + 10 ? true : undefined),
      120_000,
    );
    stopped.abort();
    await sending;
    await allHaveOne(acknowledged);
  });
  expect(most.open).toBeLessThan(MOST_OPEN);
  // A record or two of each that runs, and what the projection writes.
  expect(most.pending).toBeLessThan(MOST_OPEN);
  expect(most.grown).toBeLessThan(MAY_GROW);
  expect(failures).toEqual([]);
};

test('fault 4: the broker is killed and started again under tasks', async () => {
  await fault(async () => {
    await stack.killServer('kafka');
    await stack.startServer('kafka');
  });
}, 480_000);

test('fault 5: the broker is stopped for 30 s', async () => {
  await fault(async () => {
    const pid = stack.servers().find(({ name }) => name === 'kafka')?.pid;
    if (pid === undefined) throw new Error('no broker runs');
    process.kill(pid, 'SIGSTOP');
    await sleep(STOPPED_MS);
    process.kill(pid, 'SIGCONT');
  });
}, 480_000);
