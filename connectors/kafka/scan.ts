/** Reads a stretch of a topic outside of any lasting group: for replay, tracing, lists and restoring. */
import { randomUUID } from 'node:crypto';
import { openGroupReader } from './group-reader.ts';
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

/**
 * Calls `onRecord` for every record of the range, in order within a partition, and resolves at its end. Returning
 * false from `onRecord` ends the scan early. Errors: `kafka-unavailable`.
 */
export const scanTopic = async (
  client: KafkaClient,
  range: ScanRange,
  onRecord: (record: KafkaRecord) => boolean | undefined | void,
): Promise<void> => {
  const offsets = (await client.admin.offsets(range.topic)).filter(
    (each) => range.partitions?.includes(each.partition) ?? true,
  );
  const ends = new Map<number, number>();
  const starts = new Map<number, number>();
  for (const { partition, earliest, latest } of offsets) {
    const start = Math.max(earliest, range.from?.get(partition) ?? earliest);
    const end = Math.min(latest, range.to?.get(partition) ?? latest);
    if (start < end) {
      starts.set(partition, start);
      ends.set(partition, end);
    }
  }
  if (ends.size === 0) return;
  const groupId = `freshet.scan.${randomUUID()}`;
  let reader: Awaited<ReturnType<typeof openGroupReader>> | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      const pass = (partition: number, next: number): void => {
        if (next < (ends.get(partition) ?? 0)) return;
        ends.delete(partition);
        reader?.pause({ topic: range.topic, partition });
        if (ends.size === 0) resolve();
      };
      openGroupReader(
        client,
        { groupId, topics: [range.topic], maxWaitMs: 50 },
        {
          onAssigned: async (partitions) =>
            partitions.map((at) => ({
              ...at,
              offset:
                starts.get(at.partition) ??
                offsets.find((each) => each.partition === at.partition)?.latest ??
                0,
            })),
          onRevoked: () => undefined,
          onFailure: reject,
          onBatch: ({ partition, records }) => {
            const end = ends.get(partition);
            if (end === undefined) return;
            for (const record of records) {
              if (record.offset >= end) break;
              if (onRecord(record) === false) {
                resolve();
                return;
              }
            }
            const last = records.at(-1);
            if (last) pass(partition, last.offset + 1);
          },
        },
      ).then((opened) => {
        reader = opened;
      }, reject);
    });
  } finally {
    await reader?.close();
    await client.admin.deleteGroups([groupId]).catch(() => undefined);
  }
};
