/**
 * A gateway over the Kafka and the registry of the run. Their topics are everybody's: what a test looks for has an agent, a
 * source, a tenant or an id of its own.
 */
import { randomUUID } from 'node:crypto';
import { inject } from 'vitest';
import type { IndexService } from '../../connectors/index-service/index-service.ts';
import type { AppendedAt, KafkaClient, KafkaRecord, RecordToAppend } from '../../connectors/kafka/kafka.ts';
import { createKafkaJsClient } from '../../connectors/kafka/kafkajs-client.ts';
import {
  openRecordWriter,
  type RecordWriter,
  type RecordWriterLimits,
} from '../../connectors/kafka/record-writer.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import { openRecordCodec, type RecordCodec } from '../../connectors/registry/record-codec.ts';
import { openSchemaRegistry } from '../../connectors/registry/schema-registry.ts';
import { createMetrics } from '../../connectors/telemetry/metrics.ts';
import type { GatewayEvent, GatewaySettings } from '../../gateway/gateway-context.ts';
import { type Gateway, startGateway } from '../../gateway/start-gateway.ts';
import { type AgentDefinition, defineAgent } from '../../schemas/agent-definition.ts';
import { type Clock, systemClock } from '../../schemas/clock.ts';
import { type FreshetConfig, parseConfig } from '../../schemas/config.ts';
import type { AgentEvent } from '../../schemas/records.ts';
import type { SearchRequest } from '../../schemas/search.ts';
import { executionIdOf } from '../../schemas/task-identity.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { makeVersion } from '../../schemas/version.ts';
import { eventOf } from '../support/event-of.ts';
import { until } from '../support/until.ts';
import { RECEIPT, startIndexPeer } from './index-peer.ts';

/** Of this test file alone, as each runs in a process of its own. */
const ID = randomUUID().slice(0, 8);
export const AGENT = `support-${ID}`;
export const SOURCE = `shop-${ID}`;
export const VERSION = makeVersion(1, [7n, 8n]);

export interface GatewayUnderTestSettings {
  /** Where the gateway finds Kafka, such as a proxy before it; what a test puts or reads itself goes straight. */
  readonly broker?: string;
  readonly limits?: RecordWriterLimits;
  readonly clock?: Clock;
  /** A real one, in the place of the one that only keeps what it was asked. */
  readonly index?: IndexService;
  readonly lanes?: GatewaySettings['lanes'];
  readonly compare?: GatewaySettings['compare'];
  readonly agents?: readonly AgentDefinition[];
  readonly behaviours?: readonly AgentDefinition[];
  readonly localTenant?: string;
  readonly intake?: FreshetConfig['intake'];
  readonly budgets?: GatewaySettings['budgets'];
  readonly breakers?: GatewaySettings['breakers'];
  /** How often it holds agents against `alerts`; as good as never where left out. */
  readonly alertsEveryMs?: number;
  /** How often it removes what is outdated from freshet.control; as good as never where left out. */
  readonly sweepEveryMs?: number;
  readonly alerts?: Partial<FreshetConfig['alerts']>;
  /** Beside its own. */
  readonly sources?: FreshetConfig['sources'];
}

export interface GatewayUnderTest {
  readonly gateway: Gateway;
  readonly codec: RecordCodec;
  /** The gateway's own. */
  readonly writer: RecordWriter;
  readonly searches: readonly SearchRequest[];
  readonly events: readonly GatewayEvent[];
  /** Status and JSON body. */
  call(path: string, init?: RequestInit): Promise<{ status: number; headers: Headers; body: never }>;
  submit(body: unknown, headers?: Record<string, string>): ReturnType<GatewayUnderTest['call']>;
  /** Appends in this order. */
  put(...records: readonly RecordToAppend[]): Promise<readonly AppendedAt[]>;
  /** Journals events of a task, from its claim on. */
  journal(taskId: string, ...events: readonly Partial<AgentEvent>[]): Promise<readonly AppendedAt[]>;
  /** What stands in freshet.tasks under an id. */
  tasksInKafka(taskId: string): Promise<readonly KafkaRecord[]>;
  close(): Promise<void>;
}

export const openKafkaAndCodec = async (
  broker = inject('stack').kafka,
): Promise<{ readonly kafka: KafkaClient; readonly codec: RecordCodec }> => {
  const kafka = await createKafkaJsClient({ brokers: [broker], clientId: 'gateway-test' });
  await kafka.admin.createTopics(Object.values(TOPICS));
  const registry = openSchemaRegistry(`${inject('stack').schemaRegistry}/apis/ccompat/v7`);
  return { kafka, codec: await openRecordCodec(registry) };
};

const column = (): string => 'x';

export const startGatewayUnderTest = async (
  over: GatewayUnderTestSettings = {},
): Promise<GatewayUnderTest> => {
  const { kafka, codec } = await openKafkaAndCodec();
  const ownKafka = over.broker ? (await openKafkaAndCodec(over.broker)).kafka : kafka;
  const feed = openRecordWriter(kafka);
  const writer = openRecordWriter(ownKafka, over.limits);
  const peer = over.index ? undefined : await startIndexPeer();
  const index = over.index ?? peer?.client;
  if (!index) throw new Error('there is no index');
  const events: GatewayEvent[] = [];
  const agents = over.agents ?? [defineAgent({ name: AGENT, version: '1', instructions: 'Answer.' })];
  const config = parseConfig({
    sources: {
      ...over.sources,
      [SOURCE]: {
        kind: 'postgres',
        url: 'sample',
        tables: { 'public.articles': { title: column, text: column, tenant: column } },
      },
    },
    agents,
    behaviours: over.behaviours ?? [],
    localTenant: over.localTenant ?? 'acme',
    ...(over.intake ? { intake: over.intake } : {}),
    ...(over.alerts ? { alerts: over.alerts } : {}),
  });
  const gateway = await startGateway({
    kafka: ownKafka,
    codec,
    writer,
    index,
    agents,
    config,
    clock: over.clock ?? systemClock,
    host: '127.0.0.1',
    port: 0,
    metrics: createMetrics('gateway'),
    ...(over.lanes ? { lanes: over.lanes } : {}),
    ...(over.compare ? { compare: over.compare } : {}),
    ...(over.budgets ? { budgets: over.budgets } : {}),
    ...(over.breakers ? { breakers: over.breakers } : {}),
    alertsEveryMs: over.alertsEveryMs ?? 3_600_000,
    sweepEveryMs: over.sweepEveryMs ?? 3_600_000,
    onEvent: (event) => events.push(event),
  });
  await until('the gateway is ready', () => gateway.notReady() === null);

  const call: GatewayUnderTest['call'] = async (path, init) => {
    const response = await fetch(gateway.url + path, init);
    const text = await response.text();
    const body = (text.startsWith('{') ? JSON.parse(text) : text) as never;
    return { status: response.status, headers: response.headers, body };
  };
  let sequence = 0;
  const placed = (taskId: string, event: Partial<AgentEvent>): AgentEvent => {
    sequence = event.type === 'claim' ? 0 : sequence + 1;
    return eventOf({
      type: 'claim',
      executionId: executionIdOf(taskId),
      taskId,
      sequence,
      at: systemClock(),
      agent: AGENT,
      worker: 'w-1',
      durationMicros: 1_000,
      ...event,
    });
  };
  return {
    gateway,
    codec,
    writer,
    searches: peer?.searches ?? [],
    events,
    call,
    submit: (body, headers = {}) =>
      call('/v1/tasks', {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    put: (...records) => feed.append(records),
    journal: (taskId, ...list) =>
      feed.append(
        list.map((event) => ({
          topic: TOPICS.agentEvents.name,
          key: taskId,
          value: codec.encode('AgentEvent', placed(taskId, event)),
        })),
      ),
    tasksInKafka: async (taskId) => {
      const found: KafkaRecord[] = [];
      await scanTopic(kafka, { topic: TOPICS.tasks.name }, (record) => {
        if (record.headers.ce_id?.toString() === taskId) found.push(record);
      });
      return found;
    },
    close: async () => {
      await gateway.close();
      await Promise.all([writer.close(), feed.close(), peer?.close()]);
      for (const each of new Set([kafka, ownKafka])) await each.close();
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
