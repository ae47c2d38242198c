/** One producer: one send in flight, places in the order of the records. */
import type { AppendedAt, RawProducer, RecordToAppend } from '../kafka.ts';
import { partitionCountOf } from './admin.ts';
import { type Admin, type KafkaJs, type Message, Partitioners, type Producer } from './library.ts';

export const openProducer = async (kafka: KafkaJs, admin: Admin): Promise<RawProducer> => {
  // One send in flight, retries included: with two, a lost connection makes this library reuse sequence numbers and
  // acknowledge what was never written (rule P).
  const producer: Producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  const partitioner = Partitioners.DefaultPartitioner();
  const counts = new Map<string, number>();
  const partitionOf = async (record: RecordToAppend): Promise<number> => {
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
      const partition = record.partition ?? (await partitionOf(record));
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
