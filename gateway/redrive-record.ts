/**
 * A record that could not be processed, taken through again: appended to its own topic and partition as it stands there.
 * What became of it meanwhile is for whoever reads it: a change that is older than its document is superseded (rule V).
 */
import type { KafkaClient, KafkaRecord, RecordToAppend } from '../connectors/kafka/kafka.ts';
import { scanTopic } from '../connectors/kafka/scan.ts';
import type { DeadLetter } from '../schemas/records.ts';
import { TOPICS } from '../schemas/topics.ts';

export const REDRIVEN_FROM = 'freshet-redriven-from';

type Origin = DeadLetter['origin'];

/** Undefined where it is in the log no more. Errors: `kafka-unavailable`. */
export const readRecord = async (
  kafka: KafkaClient,
  { topic, partition, offset }: Origin,
): Promise<KafkaRecord | undefined> => {
  let found: KafkaRecord | undefined;
  const from = new Map([[partition, offset]]);
  const to = new Map([[partition, offset + 1]]);
  await scanTopic(kafka, { topic, partitions: [partition], from, to }, (record) => {
    if (record.offset === offset) found = record;
  });
  return found;
};

/** Why a record of this topic cannot be taken through again; null where it can. */
export const notRedriven = (topic: string, changeTopics: readonly string[]): string | null =>
  topic === TOPICS.tasks.name || changeTopics.includes(topic)
    ? null
    : `records of ${topic} are written by Freshet itself: appending them again would change what they say`;

const text = (bytes: Buffer): string | undefined => {
  const read = bytes.toString('utf8');
  return Buffer.from(read, 'utf8').equals(bytes) ? read : undefined;
};

/** Undefined where its key or a header is no text, and so could not be written back as it was. */
export const againOf = (record: KafkaRecord): RecordToAppend | undefined => {
  const key = record.key === null ? null : text(record.key);
  const headers: Record<string, string> = {
    [REDRIVEN_FROM]: `${record.topic}:${record.partition}:${record.offset}`,
  };
  for (const [name, value] of Object.entries(record.headers)) {
    const read = text(value);
    if (read === undefined) return undefined;
    if (name !== REDRIVEN_FROM) headers[name] = read;
  }
  if (key === undefined) return undefined;
  return { topic: record.topic, partition: record.partition, key, value: record.value, headers };
};
