/** A gateway over Kafka in memory, with an index that holds one document. */
import type { IndexService } from '../../connectors/index-service/index-service.ts';
import { openRecordWriter, type RecordWriterLimits } from '../../connectors/kafka/record-writer.ts';
import { openRecordCodec, type RecordCodec } from '../../connectors/registry/record-codec.ts';
import { createMetrics, type Metrics } from '../../connectors/telemetry/metrics.ts';
import type { GatewayEvent } from '../../gateway/gateway-context.ts';
import { type Gateway, startGateway } from '../../gateway/start-gateway.ts';
import { defineAgent } from '../../schemas/agent-definition.ts';
import { systemClock } from '../../schemas/clock.ts';
import { parseConfig } from '../../schemas/config.ts';
import type { AgentEvent } from '../../schemas/records.ts';
import type { SearchRequest } from '../../schemas/search.ts';
import { executionIdOf } from '../../schemas/task-identity.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { makeVersion } from '../../schemas/version.ts';
import { createMemoryKafka, type MemoryKafka } from './memory-kafka.ts';

export const VERSION = makeVersion(1, [7n, 8n]);

export const RECEIPT = {
  index: 'index-1',
  at: 1,
  watermarks: { shop: { state: 'unknown' as const, position: null, committedAt: null } },
  stalenessMs: null,
  fresh: null,
  newestApplied: {},
};

export interface GatewayUnderTest {
  readonly gateway: Gateway;
  readonly kafka: MemoryKafka;
  readonly codec: RecordCodec;
  readonly metrics: Metrics;
  readonly searches: SearchRequest[];
  readonly events: GatewayEvent[];
  /** Status and JSON body. */
  call(path: string, init?: RequestInit): Promise<{ status: number; headers: Headers; body: never }>;
  submit(body: unknown, headers?: Record<string, string>): ReturnType<GatewayUnderTest['call']>;
  /** Journals events of a task, from its claim on. */
  journal(taskId: string, ...events: readonly Partial<AgentEvent>[]): void;
  close(): Promise<void>;
}

export const memoryCodec = async (): Promise<RecordCodec> => {
  const schemas: string[] = [];
  return openRecordCodec({
    register: async (_, schema) => schemas.push(schema),
    schemaById: async (id) => schemas[id - 1] ?? '',
    subjects: async () => [],
  });
};

export const startGatewayUnderTest = async (
  over: { readonly kafka?: MemoryKafka; readonly limits?: RecordWriterLimits } = {},
): Promise<GatewayUnderTest> => {
  const kafka = over.kafka ?? createMemoryKafka();
  const codec = await memoryCodec();
  const writer = openRecordWriter(kafka, over.limits);
  const metrics = createMetrics('gateway');
  const searches: SearchRequest[] = [];
  const events: GatewayEvent[] = [];
  const column = (): string => 'x';
  const agents = [defineAgent({ name: 'support', version: '1', instructions: 'Answer.' })];
  const config = parseConfig({
    sources: {
      shop: {
        kind: 'postgres',
        url: 'sample',
        tables: { 'public.articles': { title: column, text: column, tenant: column } },
      },
    },
    agents,
    localTenant: 'acme',
  });
  const index: IndexService = {
    search: async (request) => {
      searches.push(request);
      return { hits: [], receipt: RECEIPT };
    },
    document: async () => undefined,
    status: async () => ({
      name: 'index-1',
      engine: 'memory',
      model: 'none',
      current: true,
      waiting: 0,
      documents: 0,
      markers: 0,
      rows: 0,
      positions: {},
    }),
    rebuild: async function* () {
      yield { done: false, records: 1, of: 2 };
      yield { done: true, records: 2, of: 2 };
    },
  };
  const gateway = await startGateway({
    kafka,
    codec,
    writer,
    index,
    agents,
    config,
    clock: systemClock,
    host: '127.0.0.1',
    port: 0,
    metrics,
    onEvent: (event) => events.push(event),
  });
  while (gateway.notReady() !== null) await new Promise((resolve) => setTimeout(resolve, 5));

  const call: GatewayUnderTest['call'] = async (path, init) => {
    const response = await fetch(gateway.url + path, init);
    const text = await response.text();
    const body = (text.startsWith('{') ? JSON.parse(text) : text) as never;
    return { status: response.status, headers: response.headers, body };
  };
  let sequence = 0;
  return {
    gateway,
    kafka,
    codec,
    metrics,
    searches,
    events,
    call,
    submit: (body, headers = {}) =>
      call('/v1/tasks', {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    journal: (taskId, ...list) => {
      for (const event of list) {
        sequence = event.type === 'claim' ? 0 : sequence + 1;
        const whole: AgentEvent = {
          executionId: executionIdOf(taskId),
          taskId,
          epoch: 1,
          sequence,
          type: 'claim',
          step: 0,
          at: systemClock(),
          agent: 'support',
          behaviour: '1',
          worker: 'w-1',
          tenant: 'acme',
          sessionId: null,
          name: null,
          input: null,
          output: null,
          inputHash: null,
          error: null,
          usage: null,
          reservedUsd: null,
          costUsd: null,
          priceTable: null,
          idempotencyKey: null,
          stateHashBefore: null,
          stateHashAfter: null,
          durationMicros: 1_000,
          task: null,
          ...event,
        };
        const topic = TOPICS.agentEvents.name;
        kafka.put({ topic, partition: 0, key: taskId, value: codec.encode('AgentEvent', whole) });
      }
    },
    close: async () => {
      await gateway.close();
      await writer.close();
    },
  };
};

export const answered = (text: string): Partial<AgentEvent> => ({
  type: 'response',
  step: 2,
  name: 'completed',
  output: JSON.stringify({
    outcome: 'completed',
    output: {
      text,
      citations: [{ number: 1, documentId: 'shop/t/1', chunk: 0, version: VERSION, title: 'T', ageMs: 5 }],
    },
    partial: null,
    receipt: RECEIPT,
    steps: 1,
    startedAt: 1,
  }),
});

export const until = async (what: () => boolean | Promise<boolean>): Promise<void> => {
  const limit = Date.now() + 10_000;
  while (!(await what())) {
    if (Date.now() > limit) throw new Error('waited 10 s in vain');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};
