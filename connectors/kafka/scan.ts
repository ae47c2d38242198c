/** Reads a stretch of a topic outside of any lasting group: for replay, tracing, lists and rebuilding. */
import { randomUUID } from 'node:crypto';
import { toError } from '../../schemas/errors.ts';
import { type GroupReader, openGroupReader } from './group-reader.ts';
import type { KafkaClient, KafkaRecord } from './kafka.ts';

export interface ScanRange {
  readonly topic: string;
  /** All partitions where left out. */
  readonly partitions?: readonly number[];
  /** First offset by partition; the earliest where left out or compacted away. */
  readonly from?: ReadonlyMap<number, number>;
  /** One past the last offset by partition; the end at the time of the call where left out. */
  readonly to?: ReadonlyMap<number, number>;
}

/** What to do with a record; false ends the scan early. A promise holds the scan back until it is settled. */
export type OnScanned = (record: KafkaRecord) => unknown;

/** What is asked for is there already: only the last fetch, which brings nothing any more, waits for so long. */
const MAX_WAIT_MS = 10;

interface Stretch {
  readonly start: number;
  readonly end: number;
}

const stretchesOf = async (client: KafkaClient, range: ScanRange): Promise<Map<number, Stretch>> => {
  const stretches = new Map<number, Stretch>();
  for (const { partition, earliest, latest } of await client.admin.offsets(range.topic)) {
    if (range.partitions && !range.partitions.includes(partition)) continue;
    const start = Math.max(earliest, range.from?.get(partition) ?? earliest);
    const end = Math.min(latest, range.to?.get(partition) ?? latest);
    if (start < end) stretches.set(partition, { start, end });
  }
  return stretches;
};

/**
 * Calls `onRecord` for every record of the range, in order within a partition, and resolves at its end. Errors:
 * `kafka-unavailable`, and whatever `onRecord` throws.
 */
export const scanTopic = async (
  client: KafkaClient,
  range: ScanRange,
  onRecord: OnScanned,
): Promise<void> => {
  const { topic } = range;
  const open = await stretchesOf(client, range);
  if (open.size === 0) return;
  const starts = new Map([...open].map(([partition, { start }]) => [partition, start]));
  const groupId = `freshet.scan.${randomUUID()}`;
  let reader: GroupReader | undefined;
  let ended = false;
  try {
    await new Promise<void>((resolve, reject) => {
      let handling: Promise<unknown> = Promise.resolve();
      const handle = async (partition: number, records: readonly KafkaRecord[]): Promise<void> => {
        const end = open.get(partition)?.end ?? 0;
        for (const record of records) {
          if (ended || record.offset >= end) break;
          if ((await onRecord(record)) === false) ended = true;
        }
        if ((records.at(-1)?.offset ?? 0) + 1 >= end) open.delete(partition);
        else reader?.resume({ topic, partition });
        if (ended || open.size === 0) resolve();
      };
      openGroupReader(
        client,
        { groupId, topics: [topic], maxWaitMs: MAX_WAIT_MS },
        {
          onAssigned: async (partitions) => {
            const log = new Map(
              (await client.admin.offsets(topic)).map((each) => [each.partition, each.latest]),
            );
            return partitions.map((at) => ({
              ...at,
              offset: starts.get(at.partition) ?? log.get(at.partition) ?? 0,
            }));
          },
          onRevoked: () => undefined,
          onFailure: reject,
          onBatch: ({ partition, records }) => {
            if (!open.has(partition)) return;
            reader?.pause({ topic, partition });
            handling = handling
              .then(() => handle(partition, records))
              .catch((error) => reject(toError(error)));
          },
        },
      ).then((opened) => {
        reader = opened;
      }, reject);
    });
  } finally {
    ended = true;
    await reader?.close();
    await client.admin.deleteGroups([groupId]).catch(() => undefined);
  }
};
