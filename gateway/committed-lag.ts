import type { CommittedOffset, PartitionOffsets } from '../connectors/kafka/kafka.ts';

/** What of each partition a group has still to do, from its first such record on. A partition that it has never committed is all to be done. */
export const behindOf = (
  offsets: readonly PartitionOffsets[],
  committed: ReadonlyMap<number, Pick<CommittedOffset, 'offset'>>,
): readonly { readonly partition: number; readonly from: number; readonly latest: number }[] =>
  offsets.flatMap(({ partition, earliest, latest }) => {
    const from = Math.max(earliest, committed.get(partition)?.offset ?? earliest);
    return latest > from ? [{ partition, from, latest }] : [];
  });

export const recordsBehind = (behind: ReturnType<typeof behindOf>): number =>
  behind.reduce((sum, { from, latest }) => sum + latest - from, 0);
