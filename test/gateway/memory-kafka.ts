/** Kafka in memory, for tests of what the gateway makes of it: appends, groups that own everything, and failures on demand. */
import type { KafkaClient, KafkaRecord, RecordToAppend } from '../../connectors/kafka/kafka.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { changeTopic, TOPICS } from '../../schemas/topics.ts';

export interface MemoryKafka extends KafkaClient {
  records(topic: string): readonly KafkaRecord[];
  put(record: RecordToAppend): KafkaRecord;
  /** How a send behaves; undefined: it succeeds. */
  onSend: (() => Promise<void>) | undefined;
}

const POLL_MS = 2;

export const createMemoryKafka = (): MemoryKafka => {
  const topics = new Map<string, KafkaRecord[][]>();
  for (const { name, partitions } of [...Object.values(TOPICS), changeTopic('shop')])
    topics.set(
      name,
      Array.from({ length: partitions }, () => []),
    );

  const partitionsOf = (topic: string): KafkaRecord[][] => {
    const partitions = topics.get(topic);
    if (!partitions) throw new FreshetError('kafka-unavailable', `no topic ${topic}`);
    return partitions;
  };

  const put = (record: RecordToAppend): KafkaRecord => {
    const partitions = partitionsOf(record.topic);
    const letters = [...(record.key ?? '')].reduce((sum, letter) => sum + letter.charCodeAt(0), 0);
    const partition = record.partition ?? letters % partitions.length;
    const list = partitions[partition] ?? [];
    const placed: KafkaRecord = {
      topic: record.topic,
      partition,
      offset: list.length,
      timestamp: Date.now(),
      key: record.key === null ? null : Buffer.from(record.key),
      value: record.value,
      headers: Object.fromEntries(
        Object.entries(record.headers ?? {}).map(([name, value]) => [name, Buffer.from(value)]),
      ),
    };
    list.push(placed);
    return placed;
  };

  const kafka: MemoryKafka = {
    onSend: undefined,
    put,
    records: (topic) => partitionsOf(topic).flat(),
    admin: {
      createTopics: async () => [],
      listTopics: async () => [...topics.keys()],
      partitionCount: async (topic) => partitionsOf(topic).length,
      topicSettings: async () => ({}),
      deleteTopics: async () => undefined,
      offsets: async (topic) =>
        partitionsOf(topic).map((list, partition) => ({ partition, earliest: 0, latest: list.length })),
      offsetsAt: async (topic, timestamp) =>
        new Map(
          partitionsOf(topic).map((list, partition) => {
            const first = list.findIndex((record) => record.timestamp >= timestamp);
            return [partition, first < 0 ? list.length : first];
          }),
        ),
      committed: async () => new Map(),
      deleteGroups: async () => undefined,
    },
    openProducer: async () => ({
      send: async (records) => {
        await kafka.onSend?.();
        return records.map(put);
      },
      close: async () => undefined,
    }),
    consume: async (settings, events) => {
      const positions = new Map<
        string,
        { topic: string; partition: number; next: number; paused: boolean }
      >();
      for (const topic of settings.topics)
        for (const partition of partitionsOf(topic).keys())
          positions.set(`${topic}:${partition}`, { topic, partition, next: 0, paused: false });
      const at = (place: { topic: string; partition: number }) =>
        positions.get(`${place.topic}:${place.partition}`);
      events.onJoined([...positions.values()].map(({ topic, partition }) => ({ topic, partition })));
      const timer = setInterval(() => {
        for (const position of positions.values()) {
          const { topic, partition, next, paused } = position;
          const list = partitionsOf(topic)[partition] ?? [];
          if (paused || next >= list.length) continue;
          position.next = list.length;
          events.onBatch({
            topic,
            partition,
            fetchedFrom: next,
            highWatermark: list.length,
            records: list.slice(next),
          });
        }
      }, POLL_MS);
      return {
        seek: ({ offset, ...place }) => {
          const position = at(place);
          if (position) position.next = offset;
        },
        pause: (places) => {
          for (const place of places) Object.assign(at(place) ?? {}, { paused: true });
        },
        resume: (places) => {
          for (const place of places) Object.assign(at(place) ?? {}, { paused: false });
        },
        commit: async () => undefined,
        close: async () => clearInterval(timer),
      };
    },
    close: async () => undefined,
  };
  return kafka;
};
