/**
 * Kafka as Freshet sees it: appends in groups, consumer groups that own partitions, and a little administration.
 * One file (kafkajs/library.ts) names the library; everything else holds on to these interfaces.
 */

export interface KafkaRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Milliseconds since the Unix epoch: the producer's or the broker's, by topic. */
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, Buffer>>;
}

/** Memory of a record beside its bytes: the object, its buffers' heads, its few headers. */
const RECORD_OVERHEAD_BYTES = 512;

/** What a record holds in memory, in bytes, about. */
export const bytesOfRecord = ({ key, value }: Pick<KafkaRecord, 'key' | 'value'>): number =>
  RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0);

export interface RecordToAppend {
  readonly topic: string;
  /** Without one, the key decides as Java's default partitioner does; without a key, chance. */
  readonly partition?: number;
  readonly key: string | null;
  readonly value: Buffer | null;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface AppendedAt {
  readonly partition: number;
  /** NaN where the broker acknowledged the record without saying its place. */
  readonly offset: number;
}

/** Sends one group of records, waits for all replicas, and gives each one's place in order. */
export interface RawProducer {
  send(records: readonly RecordToAppend[]): Promise<readonly AppendedAt[]>;
  close(): Promise<void>;
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface CommittedOffset {
  readonly offset: number;
  readonly metadata: string;
}

export interface RawConsumerEvents {
  /** Called in the same turn in which the group was joined, before anything is fetched. */
  readonly onJoined: (assignment: readonly TopicPartition[]) => void;
  /** `fetchedFrom` is the offset that was asked for: it differs from what is expected after a silent reset. */
  readonly onBatch: (batch: {
    readonly topic: string;
    readonly partition: number;
    readonly fetchedFrom: number;
    readonly highWatermark: number;
    readonly records: readonly KafkaRecord[];
  }) => void;
  readonly onRebalancing: () => void;
  readonly onCrash: (error: Error, restarts: boolean) => void;
}

export interface RawConsumer {
  // Between a crash and the next `onJoined` there is nothing to move or to hold: these three do nothing then.
  seek(at: TopicPartition & { readonly offset: number }): void;
  pause(partitions: readonly TopicPartition[]): void;
  resume(partitions: readonly TopicPartition[]): void;
  commit(offsets: readonly (TopicPartition & CommittedOffset)[]): Promise<void>;
  close(): Promise<void>;
}

export interface ConsumeSettings {
  readonly groupId: string;
  readonly topics: readonly string[];
  /** Milliseconds without a heartbeat after which the group goes on without this member. */
  readonly sessionTimeoutMs?: number;
  /** How long a fetch waits at the broker when there is nothing, which is also how late a resume may be. */
  readonly maxWaitMs?: number;
}

export interface PartitionOffsets {
  readonly partition: number;
  readonly earliest: number;
  readonly latest: number;
}

export interface TopicToCreate {
  readonly name: string;
  readonly partitions: number;
  readonly settings: Readonly<Record<string, string>>;
}

export interface KafkaAdmin {
  /** Creates what is missing and leaves what is there; returns the names created. */
  createTopics(topics: readonly TopicToCreate[]): Promise<readonly string[]>;
  listTopics(): Promise<readonly string[]>;
  partitionCount(topic: string): Promise<number>;
  topicSettings(topic: string): Promise<Readonly<Record<string, string>>>;
  deleteTopics(topics: readonly string[]): Promise<void>;
  offsets(topic: string): Promise<readonly PartitionOffsets[]>;
  /** First offset of each partition at or after a time; the end where there is none. */
  offsetsAt(topic: string, timestamp: number): Promise<ReadonlyMap<number, number>>;
  /** Undefined where the group has committed nothing for a partition. */
  committed(groupId: string, topic: string): Promise<ReadonlyMap<number, CommittedOffset>>;
  deleteGroups(groupIds: readonly string[]): Promise<void>;
}

/** Every method throws FreshetError `kafka-unavailable` when the brokers cannot be reached within its retries. */
export interface KafkaClient {
  readonly admin: KafkaAdmin;
  openProducer(): Promise<RawProducer>;
  consume(settings: ConsumeSettings, events: RawConsumerEvents): Promise<RawConsumer>;
  close(): Promise<void>;
}
