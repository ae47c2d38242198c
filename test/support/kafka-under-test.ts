/** A client of the shared Kafka and topics of a test's own. Deletes records, which the product never does. */
import { randomUUID } from 'node:crypto';
import { ConfigResourceTypes, Kafka, logLevel } from 'kafkajs';
import type { KafkaClient, KafkaRecord } from '../../connectors/kafka/kafka.ts';
import { createKafkaJsClient } from '../../connectors/kafka/kafkajs-client.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';

export interface KafkaUnderTest {
  readonly client: KafkaClient;
  /** Makes a topic with a name of its own. */
  topic(partitions: number, settings?: Readonly<Record<string, string>>): Promise<string>;
  /** Everything of a topic, by partition. */
  read(topic: string): Promise<ReadonlyMap<number, readonly KafkaRecord[]>>;
  /** Moves a partition's earliest offset, as retention would. */
  deleteRecordsBefore(topic: string, partition: number, offset: number): Promise<void>;
  /** How often the broker looks for what is to be compacted: each half second in the place of each fifteenth. */
  cleanOften(often: boolean): Promise<void>;
  close(): Promise<void>;
}

/** node.id of deploy/kafka/server.properties. */
const BROKER_ID = '1';

export const openKafkaUnderTest = async (broker: string): Promise<KafkaUnderTest> => {
  const client = await createKafkaJsClient({ brokers: [broker], clientId: 'test' });
  const admin = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  return {
    client,
    topic: async (partitions, settings = {}) => {
      const name = `test.${randomUUID()}`;
      await client.admin.createTopics([{ name, partitions, settings }]);
      return name;
    },
    read: async (topic) => {
      const records = new Map<number, KafkaRecord[]>();
      await scanTopic(client, { topic }, (record) => {
        records.set(record.partition, [...(records.get(record.partition) ?? []), record]);
      });
      return records;
    },
    deleteRecordsBefore: async (topic, partition, offset) => {
      // Makes the library look up the topic's leaders, without which it cannot delete.
      await admin.fetchTopicOffsets(topic);
      await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(offset) }] });
    },
    cleanOften: async (often) => {
      const configEntries = often ? [{ name: 'log.cleaner.backoff.ms', value: '500' }] : [];
      const broker = { type: ConfigResourceTypes.BROKER, name: BROKER_ID, configEntries };
      await admin.alterConfigs({ validateOnly: false, resources: [broker] });
    },
    close: async () => {
      await admin.disconnect();
      await client.close();
    },
  };
};
