/**
 * Appends by group commit: one send in flight, and what comes meanwhile goes with the next (rule P). Records of one
 * caller keep their order. After a final failure the producer is discarded, everything waiting is rejected with
 * `append-failed`, and whoever resumes reads the log's end first: the failed records may stand in it.
 */
import { FreshetError, toError } from '../../schemas/errors.ts';
import { turn } from '../../schemas/event-loop-turn.ts';
import { asCloudEvent } from './as-cloud-event.ts';
import type { AppendedAt, KafkaClient, RawProducer, RecordToAppend } from './kafka.ts';

export interface RecordWriter {
  /** Resolves when all replicas hold the records; their places come in the order given. */
  append(records: readonly RecordToAppend[]): Promise<readonly AppendedAt[]>;
  /** Records waiting or in flight. */
  pending(): number;
  /** Sends what waits, then closes. */
  close(): Promise<void>;
}

export interface RecordWriterLimits {
  /** Records waiting at most; `append` over it is rejected with `too-many-requests`. */
  readonly maxPending: number;
  /** Bytes of one topic partition in one send: a record batch must stay below the topic's limit. */
  readonly maxPartitionBytes: number;
}

/** One call of `append`: settled when the last of its records is. */
interface Group {
  readonly size: number;
  readonly places: AppendedAt[];
  readonly resolve: (places: readonly AppendedAt[]) => void;
  readonly reject: (error: Error) => void;
}

const LIMITS: RecordWriterLimits = { maxPending: 100_000, maxPartitionBytes: 4 * 1024 * 1024 };
const RECORD_OVERHEAD_BYTES = 200;

const bytesOf = (record: RecordToAppend): number =>
  (record.value?.length ?? 0) + (record.key?.length ?? 0) + RECORD_OVERHEAD_BYTES;

/**
 * How many of the waiting records go with the next send: at least one, then as long as no partition grows too large. A
 * partition's share is one record batch to Kafka, which refuses it as a whole when it is over the topic's limit, so the
 * records of one `append` may take several sends.
 */
export const recordsForOneSend = (
  waiting: readonly { readonly record: RecordToAppend }[],
  maxPartitionBytes: number,
): number => {
  const bytes = new Map<string, number>();
  for (const [count, { record }] of waiting.entries()) {
    // Without a partition any could be chosen, so such records of a topic count as one partition.
    const at = `${record.topic}:${record.partition ?? '?'}`;
    const total = (bytes.get(at) ?? 0) + bytesOf(record);
    if (count > 0 && total > maxPartitionBytes) return count;
    bytes.set(at, total);
  }
  return waiting.length;
};

/**
 * How many of those that a send has acknowledged go on before the next send leaves, the others while it is under way: half of
 * what they are more than those that wait. All at once, they would all be back together behind the first of them: while its
 * record is alone under way the thread works, and while theirs are it has nothing to do.
 */
export const goOnFirst = (acknowledged: number, waiting: number): number =>
  Math.max(0, Math.ceil((acknowledged - waiting) / 2));

const groupsOf = (records: readonly { readonly group: Group }[]): Group[] => [
  ...new Set(records.map(({ group }) => group)),
];

export const openRecordWriter = (
  client: Pick<KafkaClient, 'openProducer'>,
  limits: RecordWriterLimits = LIMITS,
): RecordWriter => {
  let waiting: { readonly record: RecordToAppend; readonly group: Group }[] = [];
  let inFlight = 0;
  let sending = false;
  let closed = false;
  let producer: Promise<RawProducer> | undefined;

  const discardProducer = async (): Promise<void> => {
    const old = producer;
    producer = undefined;
    await old?.then((each) => each.close()).catch(() => undefined);
  };

  const handBack = (groups: readonly Group[]): void => {
    for (const group of groups) group.resolve(group.places);
  };

  /** Resolves to the groups that are acknowledged by it as a whole; of a final failure, none. */
  const sendNext = async (meanwhile: () => Promise<void>): Promise<Group[]> => {
    const sent = waiting.splice(0, recordsForOneSend(waiting, limits.maxPartitionBytes));
    inFlight = sent.length;
    try {
      producer ??= client.openProducer();
      const [places] = await Promise.all([
        (await producer).send(sent.map(({ record }) => record)),
        meanwhile(),
      ]);
      for (const [at, { group }] of sent.entries()) {
        const place = places[at];
        if (place) group.places.push(place);
      }
      return groupsOf(sent).filter(({ size, places: all }) => all.length === size);
    } catch (thrown) {
      const cause = toError(thrown);
      const error = new FreshetError(
        'append-failed',
        `records were not acknowledged by Kafka; they may or may not stand in the log: ${cause.message}`,
        { cause },
      );
      const rejected = groupsOf([...sent, ...waiting]);
      waiting = [];
      await discardProducer();
      for (const group of rejected) group.reject(error);
      return [];
    } finally {
      inFlight = 0;
    }
  };

  const sendAll = async (): Promise<void> => {
    let acknowledged: Group[] = [];
    while (waiting.length > 0 || acknowledged.length > 0) {
      const first = goOnFirst(acknowledged.length, groupsOf(waiting).length);
      handBack(acknowledged.splice(0, first));
      if (first > 0 && acknowledged.length > 0) await turn();
      if (waiting.length === 0) continue;
      const others = acknowledged;
      acknowledged = await sendNext(async () => {
        if (others.length === 0) return;
        // The send leaves first: they may keep this thread busy for as long as it takes.
        await turn();
        handBack(others);
      });
    }
  };

  const pump = (): void => {
    if (sending) return;
    sending = true;
    void sendAll().finally(() => {
      sending = false;
      if (waiting.length > 0) pump();
    });
  };

  return {
    append: (records) => {
      if (records.length === 0) return Promise.resolve([]);
      if (closed) return Promise.reject(new FreshetError('append-failed', 'the writer is closed'));
      if (waiting.length >= limits.maxPending) {
        return Promise.reject(
          new FreshetError(
            'too-many-requests',
            `${limits.maxPending} records wait for Kafka already; try again later`,
          ),
        );
      }
      return new Promise((resolve, reject) => {
        const group: Group = { size: records.length, places: [], resolve, reject };
        for (const record of records) waiting.push({ record: asCloudEvent(record), group });
        pump();
      });
    },
    pending: () => waiting.length + inFlight,
    close: async () => {
      closed = true;
      while (sending || waiting.length > 0) await new Promise((resolve) => setTimeout(resolve, 5));
      await discardProducer();
    },
  };
};
