/**
 * Reads records by their place: one seek and one fetch, over a consumer that is opened at the first read, rests while nobody asks and
 * is closed after a while of that. A scan (scan.ts) joins a group of its own each time, which is right for long stretches alone.
 */
import { randomUUID } from 'node:crypto';
import { FreshetError, toFreshetError } from '../../schemas/errors.ts';
import { type GroupReader, openGroupReader } from './group-reader.ts';
import type { KafkaClient, KafkaRecord } from './kafka.ts';

export interface Stretch {
  readonly partition: number;
  /** First and last offset, both in it. */
  readonly from: number;
  readonly through: number;
  /** Records of other keys are passed over. */
  readonly key: string;
}

export interface RecordSeeker {
  /**
   * The records of a stretch that still stand, in order. Those of one partition are read one after the other. Errors: `not-found` (its
   * first offset is not, or no longer, in the log), `kafka-unavailable` (try again).
   */
  read(stretch: Stretch): Promise<readonly KafkaRecord[]>;
  close(): Promise<void>;
}

interface Reading {
  readonly stretch: Stretch;
  readonly found: KafkaRecord[];
  /** What comes before that was fetched for another. */
  isSought: boolean;
  overdue?: NodeJS.Timeout;
  readonly resolve: (records: readonly KafkaRecord[]) => void;
  readonly reject: (error: Error) => void;
}

interface Opened {
  readonly reader: GroupReader;
  readonly groupId: string;
}

const MAX_WAIT_MS = 20;
const READ_WITHIN_MS = 60_000;
const IDLE_MS = 60_000;

export const openRecordSeeker = (client: KafkaClient, topic: string): RecordSeeker => {
  /** By partition; the first is under way. */
  const readings = new Map<number, Reading[]>();
  let opened: Promise<Opened> | undefined;
  let idle: NodeJS.Timeout | undefined;
  let closed = false;

  const unavailable = (why: string): FreshetError =>
    new FreshetError('kafka-unavailable', `${topic} could not be read: ${why}; try again`);

  const discard = async (): Promise<void> => {
    clearTimeout(idle);
    const old = opened;
    opened = undefined;
    const known = await old?.catch(() => undefined);
    if (!known) return;
    await known.reader.close().catch(() => undefined);
    await client.admin.deleteGroups([known.groupId]).catch(() => undefined);
  };

  const failAll = (error: FreshetError): void => {
    const all = [...readings.values()].flat();
    readings.clear();
    for (const { reject, overdue } of all) {
      clearTimeout(overdue);
      reject(error);
    }
    void discard();
  };

  const open = async (): Promise<Opened> => {
    const groupId = `freshet.seek.${randomUUID()}`;
    let reader: GroupReader | undefined;
    let isReady = (): void => undefined;
    let fails = (_: Error): void => undefined;
    const ready = new Promise<void>((resolve, reject) => {
      isReady = resolve;
      fails = reject;
    });
    // Waited for below, and not before the group is joined.
    ready.catch(() => undefined);
    reader = await openGroupReader(
      client,
      { groupId, topics: [topic], maxWaitMs: MAX_WAIT_MS },
      {
        onAssigned: async (partitions) => {
          const ends = new Map(
            (await client.admin.offsets(topic)).map((each) => [each.partition, each.latest]),
          );
          return partitions.map((at) => ({ ...at, offset: ends.get(at.partition) ?? 0 }));
        },
        onReady: () => isReady(),
        onRevoked: () => undefined,
        onBatch: ({ partition, records }) => {
          const [reading] = readings.get(partition) ?? [];
          if (!reading?.isSought) return reader?.pause({ topic, partition });
          const { from, through, key } = reading.stretch;
          for (const record of records) {
            const isOfIt = record.offset >= from && record.offset <= through;
            if (isOfIt && record.key?.toString('utf8') === key) reading.found.push(record);
          }
          if ((records.at(-1)?.offset ?? -1) >= through) end(partition, reading);
        },
        onFailure: (error) => {
          fails(error);
          failAll(unavailable(error.message));
        },
      },
    );
    try {
      await ready;
    } catch (error) {
      await reader.close().catch(() => undefined);
      await client.admin.deleteGroups([groupId]).catch(() => undefined);
      throw error;
    }
    for (const at of reader.owned()) reader.pause(at);
    return { reader, groupId };
  };

  const end = (partition: number, reading: Reading, error?: Error): void => {
    const queue = readings.get(partition) ?? [];
    if (queue[0] !== reading) return;
    queue.shift();
    clearTimeout(reading.overdue);
    if (error) reading.reject(error);
    else reading.resolve(reading.found);
    if (queue.length > 0) void begin(partition);
    else readings.delete(partition);
    clearTimeout(idle);
    if (readings.size > 0) return;
    idle = setTimeout(() => void discard(), IDLE_MS);
    idle.unref();
  };

  const begin = async (partition: number): Promise<void> => {
    const [reading] = readings.get(partition) ?? [];
    if (!reading) return;
    const { from, through } = reading.stretch;
    reading.overdue = setTimeout(
      () => failAll(unavailable(`${partition}:${from} did not come within ${READ_WITHIN_MS / 1_000} s`)),
      READ_WITHIN_MS,
    );
    try {
      opened ??= open();
      const { reader } = await opened;
      const range = (await client.admin.offsets(topic)).find((each) => each.partition === partition);
      if (readings.get(partition)?.[0] !== reading) return;
      if (!range || from < range.earliest || through >= range.latest) {
        const holds = `${range?.earliest ?? 0} to ${(range?.latest ?? 0) - 1}`;
        end(
          partition,
          reading,
          new FreshetError('not-found', `${topic}:${partition} holds ${holds}, not ${from}`),
        );
        return;
      }
      reader.rewind({ topic, partition, offset: from });
      reading.isSought = true;
      reader.resume({ topic, partition });
    } catch (thrown) {
      failAll(unavailable(toFreshetError(thrown).message));
    }
  };

  return {
    read: (stretch) => {
      if (closed) return Promise.reject(unavailable('it is closed'));
      clearTimeout(idle);
      return new Promise((resolve, reject) => {
        const queue = readings.get(stretch.partition) ?? [];
        readings.set(stretch.partition, queue);
        queue.push({ stretch, found: [], isSought: false, resolve, reject });
        if (queue.length === 1) void begin(stretch.partition);
      });
    },
    close: async () => {
      closed = true;
      failAll(unavailable('it is closed'));
      await discard();
    },
  };
};
