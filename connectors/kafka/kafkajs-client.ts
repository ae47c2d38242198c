/** The one file that names the Kafka library (kafkajs 2.2): its producer, consumer and admin behind KafkaClient. */

import { connect } from 'node:net';
import type { Admin, Consumer, Kafka as KafkaType, Message, PartitionAssigner, Producer } from 'kafkajs';
import kafkajs from 'kafkajs';
import { FreshetError, toError } from '../../schemas/errors.ts';
import { coPartitionAssignment } from './co-partition-assignment.ts';
import type {
  AppendedAt,
  ConsumeSettings,
  KafkaAdmin,
  KafkaClient,
  KafkaRecord,
  RawConsumer,
  RawConsumerEvents,
  RawProducer,
  RecordToAppend,
  TopicPartition,
} from './kafka.ts';

const { AssignerProtocol, ConfigResourceTypes, Kafka, Partitioners, logLevel } = kafkajs;

export interface KafkaClientSettings {
  /** host:port, as many as there are. */
  readonly brokers: readonly string[];
  /** Names this process in the broker's logs and quotas. */
  readonly clientId: string;
  /** What the library logs, from warnings up. */
  readonly log?: (level: 'warn' | 'error', message: string, details: unknown) => void;
}

const RETRY = { initialRetryTime: 100, maxRetryTime: 2_000, retries: 8 } as const;
const KEEP_ALIVE_MS = 60_000;
const LEVELS: Readonly<Record<number, 'warn' | 'error'>> = {
  [logLevel.WARN]: 'warn',
  [logLevel.ERROR]: 'error',
};

const unavailable = (doing: string, thrown: unknown): FreshetError => {
  const error = toError(thrown);
  return new FreshetError('kafka-unavailable', `Kafka did not answer while ${doing}: ${error.message}`, {
    cause: error,
  });
};

const attempt = async <T>(doing: string, action: () => Promise<T>): Promise<T> => {
  try {
    return await action();
  } catch (error) {
    throw unavailable(doing, error);
  }
};

export const createKafkaJsClient = async (settings: KafkaClientSettings): Promise<KafkaClient> => {
  const kafka = new Kafka({
    clientId: settings.clientId,
    brokers: [...settings.brokers],
    connectionTimeout: 3_000,
    requestTimeout: 30_000,
    retry: RETRY,
    socketFactory: ({ host, port, onConnect }) => {
      const socket = connect(
        { host, port, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS },
        onConnect,
      );
      // Requests are small and each is waited for: none of them is to wait for the acknowledgement of another (Nagle).
      socket.setNoDelay(true);
      return socket;
    },
    logLevel: logLevel.WARN,
    logCreator: () => (entry) => {
      const level = LEVELS[entry.level];
      // Its retries are limited on purpose: after the last one this project reads the log before it goes on (rule P).
      if (!level || entry.log.message.startsWith('Limiting retries')) return;
      settings.log?.(level, entry.log.message, { ...entry.log });
    },
  });
  const admin = kafka.admin();
  await attempt('connecting', () => admin.connect());
  return {
    admin: adminOver(admin),
    openProducer: () => attempt('opening a producer', () => openProducer(kafka, admin)),
    consume: (consumeSettings, events) =>
      attempt(`joining the group ${consumeSettings.groupId}`, () => consume(kafka, consumeSettings, events)),
    close: () => admin.disconnect(),
  };
};

const openProducer = async (kafka: KafkaType, admin: Admin): Promise<RawProducer> => {
  // One send in flight, retries included: with two, a lost connection makes this library reuse sequence numbers and
  // acknowledge what was never written (rule P).
  const producer: Producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    retry: RETRY,
    createPartitioner: Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  const partitioner = Partitioners.DefaultPartitioner();
  const counts = new Map<string, number>();
  const partitionOf = async (record: RecordToAppend): Promise<number> => {
    if (record.partition !== undefined) return record.partition;
    let count = counts.get(record.topic);
    if (count === undefined) {
      count = await partitionCountOf(admin, record.topic);
      counts.set(record.topic, count);
    }
    const partitionMetadata = Array.from({ length: count }, (_, partitionId) => ({
      partitionErrorCode: 0,
      partitionId,
      leader: 0,
      replicas: [],
      isr: [],
    }));
    return partitioner({
      topic: record.topic,
      partitionMetadata,
      message: { key: record.key, value: record.value },
    });
  };
  const send = async (records: readonly RecordToAppend[]): Promise<readonly AppendedAt[]> => {
    const partitions: number[] = [];
    const messages = new Map<string, Message[]>();
    const places: { readonly at: string; readonly index: number }[] = [];
    const taken = new Map<string, number>();
    for (const record of records) {
      const partition = await partitionOf(record);
      const at = `${record.topic}:${partition}`;
      const index = taken.get(at) ?? 0;
      taken.set(at, index + 1);
      partitions.push(partition);
      places.push({ at, index });
      const list = messages.get(record.topic) ?? [];
      list.push({
        key: record.key,
        value: record.value,
        partition,
        ...(record.headers ? { headers: { ...record.headers } } : {}),
      });
      messages.set(record.topic, list);
    }
    const metadata = await producer.sendBatch({
      acks: -1,
      topicMessages: [...messages].map(([topic, list]) => ({ topic, messages: list })),
    });
    const bases = new Map(
      metadata.map((each) => [`${each.topicName}:${each.partition}`, baseOffsetOf(each.baseOffset)]),
    );
    return places.map(({ at, index }, place) => ({
      partition: partitions[place] ?? 0,
      offset: (bases.get(at) ?? Number.NaN) + index,
    }));
  };
  return { send, close: () => producer.disconnect() };
};

/** NaN where the broker does not say, as for a group that it holds already: the place is unknown, not -1. */
const baseOffsetOf = (text: string | undefined): number => {
  const offset = Number(text ?? -1);
  return offset >= 0 ? offset : Number.NaN;
};

const coPartitionAssigner: PartitionAssigner = ({ cluster }) => ({
  name: 'FreshetCoPartition',
  version: 0,
  async assign({ members, topics }) {
    const partitionsByTopic = Object.fromEntries(
      topics.map((topic) => [
        topic,
        cluster
          .findTopicPartitionMetadata(topic)
          .map((each) => each.partitionId)
          .sort((a, b) => a - b),
      ]),
    );
    const assignment = coPartitionAssignment(
      members.map((member) => member.memberId),
      partitionsByTopic,
    );
    return Object.entries(assignment).map(([memberId, topicPartitions]) => ({
      memberId,
      memberAssignment: AssignerProtocol.MemberAssignment.encode({
        version: 0,
        assignment: Object.fromEntries(
          Object.entries(topicPartitions).map(([topic, list]) => [topic, [...list]]),
        ),
        userData: Buffer.alloc(0),
      }),
    }));
  },
  protocol({ topics }) {
    return {
      name: 'FreshetCoPartition',
      metadata: AssignerProtocol.MemberMetadata.encode({ version: 0, topics, userData: Buffer.alloc(0) }),
    };
  },
});

const grouped = (partitions: readonly TopicPartition[]): { topic: string; partitions: number[] }[] => {
  const byTopic = new Map<string, number[]>();
  for (const { topic, partition } of partitions)
    byTopic.set(topic, [...(byTopic.get(topic) ?? []), partition]);
  return [...byTopic].map(([topic, list]) => ({ topic, partitions: list }));
};

const toRecord = (
  topic: string,
  partition: number,
  message: {
    offset: string;
    timestamp: string;
    key: Buffer | null;
    value: Buffer | null;
    headers?: Record<string, unknown> | undefined;
  },
): KafkaRecord => {
  const headers: Record<string, Buffer> = {};
  for (const [name, value] of Object.entries(message.headers ?? {})) {
    const last = Array.isArray(value) ? value.at(-1) : value;
    if (Buffer.isBuffer(last)) headers[name] = last;
    else if (typeof last === 'string') headers[name] = Buffer.from(last);
  }
  return {
    topic,
    partition,
    offset: Number(message.offset),
    timestamp: Number(message.timestamp),
    key: message.key,
    value: message.value,
    headers,
  };
};

const consume = async (
  kafka: KafkaType,
  settings: ConsumeSettings,
  events: RawConsumerEvents,
): Promise<RawConsumer> => {
  const consumer: Consumer = kafka.consumer({
    groupId: settings.groupId,
    sessionTimeout: settings.sessionTimeoutMs ?? 10_000,
    heartbeatInterval: 2_000,
    rebalanceTimeout: 15_000,
    maxWaitTimeInMs: settings.maxWaitMs ?? 200,
    maxBytesPerPartition: 4 * 1024 * 1024,
    maxBytes: 16 * 1024 * 1024,
    partitionAssigners: [coPartitionAssigner],
    retry: { ...RETRY, restartOnFailure: async () => true },
  });
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    events.onJoined(
      Object.entries(payload.memberAssignment).flatMap(([topic, list]) =>
        list.map((partition) => ({ topic, partition })),
      ),
    );
  });
  consumer.on(consumer.events.REBALANCING, () => events.onRebalancing());
  consumer.on(consumer.events.CRASH, ({ payload }) => events.onCrash(payload.error, payload.restart));
  await consumer.connect();
  await consumer.subscribe({ topics: [...settings.topics], fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: true,
    partitionsConsumedConcurrently: 1,
    // Only hands over: the work is done elsewhere, so polling and heartbeats never wait for it (rule O).
    eachBatch: async ({ batch, heartbeat, isStale, resolveOffset }) => {
      // Fetched before a seek that is still pending: not what was asked for any more.
      if (isStale()) return;
      const { topic, partition } = batch;
      events.onBatch({
        topic,
        partition,
        fetchedFrom: Number((batch as unknown as { fetchedOffset: string }).fetchedOffset),
        highWatermark: Number(batch.highWatermark),
        records: batch.messages.map((message) => toRecord(topic, partition, message)),
      });
      // Before the heartbeat, which may throw: the library would fetch again what was handed over already.
      resolveOffset(batch.lastOffset());
      await heartbeat();
    },
  });
  return {
    seek: ({ topic, partition, offset }) => consumer.seek({ topic, partition, offset: String(offset) }),
    pause: (partitions) => consumer.pause(grouped(partitions)),
    resume: (partitions) => consumer.resume(grouped(partitions)),
    commit: (offsets) =>
      attempt('committing offsets', () =>
        consumer.commitOffsets(
          offsets.map(({ topic, partition, offset, metadata }) => ({
            topic,
            partition,
            offset: String(offset),
            metadata,
          })),
        ),
      ),
    close: () => consumer.disconnect(),
  };
};

const partitionCountOf = async (admin: Admin, topic: string): Promise<number> => {
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  return topics[0]?.partitions.length ?? 0;
};

const LOOK_UP_ATTEMPTS = 10;
const LOOK_UP_RETRY_MS = 100;

/**
 * Asks again where the library gives up at once: a topic made a moment ago has no leader yet, and metadata that a
 * parallel call replaced lacks the topic (it then fails on undefined, and loads it anew when asked again).
 */
const persistently = async <T>(action: () => Promise<T>): Promise<T> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await action();
    } catch (error) {
      const { type } = error as { readonly type?: unknown };
      if (attempt >= LOOK_UP_ATTEMPTS || type === 'UNKNOWN_TOPIC_OR_PARTITION') throw error;
      await new Promise((resolve) => setTimeout(resolve, LOOK_UP_RETRY_MS));
    }
  }
};

/**
 * One at a time. The library keeps the metadata of all topics in one place: a call that adds a topic to it while
 * another looks up offsets can make it forget the other's, which then finds no leader and fails on undefined.
 */
const inTurn = (): (<T>(action: () => Promise<T>) => Promise<T>) => {
  let last: Promise<unknown> = Promise.resolve();
  return (action) => {
    const mine = last.then(action, action);
    last = mine.catch(() => undefined);
    return mine;
  };
};

const adminOver = (admin: Admin, turn = inTurn()): KafkaAdmin => ({
  createTopics: (topics) =>
    attempt('creating topics', () =>
      turn(async () => {
        const present = new Set(await admin.listTopics());
        const missing = topics.filter((topic) => !present.has(topic.name));
        if (missing.length > 0) {
          await admin.createTopics({
            waitForLeaders: true,
            topics: missing.map((topic) => ({
              topic: topic.name,
              numPartitions: topic.partitions,
              configEntries: Object.entries(topic.settings).map(([name, value]) => ({ name, value })),
            })),
          });
        }
        return missing.map((topic) => topic.name);
      }),
    ),
  listTopics: () => attempt('listing topics', () => admin.listTopics()),
  partitionCount: (topic) => attempt(`looking at ${topic}`, () => turn(() => partitionCountOf(admin, topic))),
  topicSettings: (topic) =>
    attempt(`looking at ${topic}`, async () => {
      const { resources } = await admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ type: ConfigResourceTypes.TOPIC, name: topic }],
      });
      return Object.fromEntries(
        (resources[0]?.configEntries ?? []).map((entry) => [entry.configName, entry.configValue]),
      );
    }),
  deleteTopics: (topics) => attempt('deleting topics', () => admin.deleteTopics({ topics: [...topics] })),
  offsets: (topic) =>
    attempt(`looking at ${topic}`, async () =>
      (await turn(() => persistently(() => admin.fetchTopicOffsets(topic))))
        .map((each) => ({ partition: each.partition, earliest: Number(each.low), latest: Number(each.high) }))
        .sort((a, b) => a.partition - b.partition),
    ),
  offsetsAt: (topic, timestamp) =>
    attempt(
      `looking at ${topic}`,
      async () =>
        new Map(
          (await turn(() => persistently(() => admin.fetchTopicOffsetsByTimestamp(topic, timestamp)))).map(
            (each) => [each.partition, Number(each.offset)],
          ),
        ),
    ),
  committed: (groupId, topic) =>
    attempt(`reading the offsets of ${groupId}`, async () => {
      const [found] = await admin.fetchOffsets({ groupId, topics: [topic] });
      return new Map(
        (found?.partitions ?? [])
          .filter((each) => Number(each.offset) >= 0)
          .map((each) => [each.partition, { offset: Number(each.offset), metadata: each.metadata ?? '' }]),
      );
    }),
  deleteGroups: (groupIds) =>
    attempt('deleting groups', async () => {
      await admin.deleteGroups([...groupIds]);
    }),
});
