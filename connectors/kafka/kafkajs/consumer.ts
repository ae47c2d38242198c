/** One member of a group: hands batches over and never waits for the work (rule O). */
import type {
  ConsumeSettings,
  KafkaRecord,
  RawConsumer,
  RawConsumerEvents,
  TopicPartition,
} from '../kafka.ts';
import { coPartitionAssigner } from './assigner.ts';
import { attempt } from './attempt.ts';
import type { Consumer, KafkaJs } from './library.ts';

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

export const consume = async (
  kafka: KafkaJs,
  settings: ConsumeSettings,
  events: RawConsumerEvents,
): Promise<RawConsumer> => {
  const consumer: Consumer = kafka.consumer({
    groupId: settings.groupId,
    sessionTimeout: settings.sessionTimeoutMs ?? 10_000,
    // Members that stay learn by it that another came or went, and the partitions of who went stand still until then.
    heartbeatInterval: 1_000,
    rebalanceTimeout: 15_000,
    maxWaitTimeInMs: settings.maxWaitMs ?? 200,
    minBytes: 1,
    maxBytesPerPartition: 4 * 1024 * 1024,
    maxBytes: 16 * 1024 * 1024,
    partitionAssigners: [coPartitionAssigner],
    retry: { restartOnFailure: async () => true },
  });
  // After a crash the library holds no group until it starts again, and throws where one is to be moved or held: its caller says so again
  // at the next join.
  let hasGroup = false;
  consumer.on(consumer.events.STOP, () => {
    hasGroup = false;
  });
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    hasGroup = true;
    events.onJoined(
      Object.entries(payload.memberAssignment).flatMap(([topic, list]) =>
        list.map((partition) => ({ topic, partition })),
      ),
    );
  });
  consumer.on(consumer.events.REBALANCING, () => events.onRebalancing());
  consumer.on(consumer.events.CRASH, ({ payload }) => events.onCrash(payload.error, payload.restart));
  try {
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
  } catch (error) {
    // Whoever joins again and again would leave a connection each time.
    await consumer.disconnect().catch(() => undefined);
    throw error;
  }
  return {
    seek: ({ topic, partition, offset }) => {
      if (hasGroup) consumer.seek({ topic, partition, offset: String(offset) });
    },
    pause: (partitions) => {
      if (hasGroup) consumer.pause(grouped(partitions));
    },
    resume: (partitions) => {
      if (hasGroup) consumer.resume(grouped(partitions));
    },
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
