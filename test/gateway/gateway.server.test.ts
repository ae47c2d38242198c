// The gateway over real Kafka, with a real worker and the real projection behind it.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { startTaskWorker, type TaskWorker } from '../../agents/runtime/task-worker.ts';
import { SAMPLE_AGENTS } from '../../agents/sample-agents.ts';
import type { IndexService } from '../../connectors/index-service/index-service.ts';
import type { KafkaClient } from '../../connectors/kafka/kafka.ts';
import { createKafkaJsClient } from '../../connectors/kafka/kafkajs-client.ts';
import { openRecordWriter, type RecordWriter } from '../../connectors/kafka/record-writer.ts';
import { languageModelFromConfig } from '../../connectors/models/language/language-model-from-config.ts';
import { openRecordCodec, type RecordCodec } from '../../connectors/registry/record-codec.ts';
import { openSchemaRegistry } from '../../connectors/registry/schema-registry.ts';
import { createMetrics } from '../../connectors/telemetry/metrics.ts';
import { type Gateway, startGateway } from '../../gateway/start-gateway.ts';
import {
  type ExecutionProjection,
  startExecutionProjection,
} from '../../pipelines/project-executions/project-executions.ts';
import { systemClock } from '../../schemas/clock.ts';
import { parseConfig } from '../../schemas/config.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { RECEIPT, until, VERSION } from './gateway-under-test.ts';

let kafka: KafkaClient;
let codec: RecordCodec;
let writer: RecordWriter;
let worker: TaskWorker;
let projection: ExecutionProjection;
let gateway: Gateway;

const column = (): string => 'x';
const config = parseConfig({
  sources: {
    shop: {
      kind: 'postgres',
      url: 'sample',
      tables: { 'public.articles': { title: column, text: column, tenant: column } },
    },
  },
  agents: SAMPLE_AGENTS,
  localTenant: 'acme',
});
const index: IndexService = {
  search: async () => ({
    hits: [
      {
        documentId: 'shop/public.articles/1',
        chunk: 0,
        title: 'Returns',
        text: 'Thermostats may be returned within 45 days of delivery.',
        score: 0.9,
        metadata: {},
        version: VERSION,
        ageMs: 12,
      },
    ],
    receipt: RECEIPT,
  }),
  document: async () => undefined,
  status: async () => Promise.reject(new Error('not asked')),
  rebuild: async function* () {},
};

const start = async (): Promise<Gateway> => {
  const started = await startGateway({
    kafka,
    codec,
    writer,
    index,
    agents: config.agents,
    config,
    clock: systemClock,
    host: '127.0.0.1',
    port: 0,
    metrics: createMetrics('gateway'),
    onEvent: () => undefined,
  });
  await until(() => started.notReady() === null);
  return started;
};

interface Told {
  readonly state: string;
  readonly executionId: string;
  readonly result: { readonly text: string };
  readonly timeline: readonly { readonly kind: string }[];
  readonly groups: readonly unknown[];
  readonly tasks: readonly { readonly taskId: string; readonly input: string; readonly state: string }[];
  readonly troubles: readonly { readonly part: string }[];
  readonly topics: readonly unknown[];
}

const get = async (path: string): Promise<Told> => (await fetch(gateway.url + path)).json() as Promise<Told>;

beforeAll(async () => {
  const { kafka: broker, schemaRegistry } = inject('stack');
  kafka = await createKafkaJsClient({ brokers: [broker], clientId: 'gateway-test' });
  await kafka.admin.createTopics(Object.values(TOPICS));
  codec = await openRecordCodec(openSchemaRegistry(`${schemaRegistry}/apis/ccompat/v7`));
  writer = openRecordWriter(kafka);
  worker = await startTaskWorker({
    kafka,
    codec,
    writer,
    retriever: index,
    models: [languageModelFromConfig(config.languageModel)],
    agents: config.agents,
    workerName: `gateway-test-${randomUUID()}`,
    concurrency: 4,
    localTenant: 'acme',
  });
  projection = await startExecutionProjection({ kafka, codec, writer });
  gateway = await start();
});

afterAll(async () => {
  await gateway.close();
  await worker.stop(1_000);
  await projection.stop();
  await writer.close();
  await kafka.close();
});

test('a question is answered, told step by step, and replayed with the same decisions', async () => {
  const response = await fetch(`${gateway.url}/v1/tasks`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', prefer: 'wait=2', 'idempotency-key': randomUUID() },
    body: JSON.stringify({ agent: 'support', input: 'How many days do I have to return a thermostat?' }),
  });
  const { taskId } = (await response.json()) as { taskId: string };
  const task = () => get(`/v1/tasks/${taskId}`);
  await until(async () => (await task()).state === 'completed');
  const { executionId, result } = await task();
  expect(result.text).toContain('45 days');

  const execution = await get(`/v1/executions/${executionId}`);
  expect(execution.timeline.map((step) => step.kind)).toEqual(['retrieve', 'model', 'respond']);
  const replay = await (
    await fetch(`${gateway.url}/v1/executions/${executionId}/replay`, { method: 'POST' })
  ).json();
  expect(replay).toMatchObject({ identical: true, outsideCalls: 0 });

  const stream = await (await fetch(`${gateway.url}/v1/tasks/${taskId}/events`)).text();
  expect(stream).toContain('event: text');
  expect(stream).toContain('event: result');
  await until(async () => (await get('/v1/costs?by=model')).groups.length > 0);

  // A gateway that starts anew knows the same, and a second one beside it too.
  const second = await start();
  const answer = (await (await fetch(`${second.url}/v1/tasks/${taskId}`)).json()) as { state: string };
  expect(answer.state).toBe('completed');
  await second.close();
});

test('a task produced by hand as JSON, without a key, is seen and answered', async () => {
  const input = `How many days for a return, asks ${randomUUID()}?`;
  await writer.append([
    { topic: TOPICS.tasks.name, key: null, value: Buffer.from(JSON.stringify({ agent: 'support', input })) },
  ]);
  const byHand = async () => (await get('/v1/tasks?limit=500')).tasks.find((task) => task.input === input);
  await until(async () => (await byHand())?.state === 'completed');
  expect((await byHand())?.taskId).toMatch(/^task-\d+-\d+$/);
});

test('an index that does not answer is named in the status, and the rest is told', async () => {
  const status = await get('/v1/status');
  expect(status.troubles.map((trouble) => trouble.part)).toEqual(['index']);
  expect(status.topics.length).toBeGreaterThan(5);
});
