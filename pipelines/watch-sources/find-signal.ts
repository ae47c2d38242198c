/** Finds where a row of a source's signal table stands among the changes: positions that nothing but the stream itself knows. */
import type { Change } from '../../connectors/debezium/change.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import { changeTopic } from '../../schemas/topics.ts';
import { parseVersion, type Version } from '../../schemas/version.ts';
import type { WatchedSource } from './watched-source.ts';

const offsetsFrom = (from: readonly number[]): ReadonlyMap<number, number> =>
  new Map(from.map((offset, partition) => [partition, offset]));

/** The highest version of a signal's row within an epoch, from offsets by partition to the end. Errors: `kafka-unavailable`. */
export const findSignal = async (
  { source, kind, kafka, changes }: Pick<WatchedSource, 'source' | 'kind' | 'kafka' | 'changes'>,
  id: string,
  epoch: number,
  from: readonly number[],
): Promise<Version | undefined> => {
  let highest: Version | undefined;
  const table = kind.signalTable(source);
  await scanTopic(kafka, { topic: changeTopic(source).name, from: offsetsFrom(from) }, async (record) => {
    // Of a long topic only the few records under the signal's own key are decoded.
    if (!record.key?.includes(id)) return;
    const read = await changes.read(record);
    if (read.kind !== 'change' || read.change.table !== table || read.change.kind !== 'upsert') return;
    const { version } = read.change;
    if (parseVersion(version).epoch === epoch && (highest === undefined || version > highest))
      highest = version;
  });
  return highest;
};

/**
 * The version of an epoch's last snapshot: all its reads carry one position, below every streamed one, and a snapshot that was
 * begun again carries a higher one. Undefined where the topic holds no read of the epoch: every table was empty.
 */
export const findSnapshot = async (
  { source, kafka, changes }: Pick<WatchedSource, 'source' | 'kafka' | 'changes'>,
  epoch: number,
  from: readonly number[],
): Promise<Version | undefined> => {
  let highest: Version | undefined;
  await scanTopic(kafka, { topic: changeTopic(source).name, from: offsetsFrom(from) }, async (record) => {
    const read = await changes.read(record);
    if (read.kind !== 'change') return;
    const { version } = read.change;
    const parsed = parseVersion(version);
    if (parsed.epoch !== epoch || parsed.position[0] !== 0n) return;
    if (highest === undefined || version > highest) highest = version;
  });
  return highest;
};

/**
 * Whether a change tells that a table is read by the snapshot that a signal at this version asked for. One that is streamed tells
 * nothing: it comes of a busy table whether or not the connector knew the table when it met the signal. Pure.
 */
export const isReadSince = (change: Change, table: string, version: Version): boolean =>
  change.kind === 'upsert' && change.read && change.table === table && change.version >= version;

/** Whether a row of a table was read for a signal at this version, from offsets by partition to the end. */
export const hasReadSince = async (
  { source, kafka, changes }: Pick<WatchedSource, 'source' | 'kafka' | 'changes'>,
  table: string,
  version: Version,
  from: readonly number[],
): Promise<boolean> => {
  let found = false;
  await scanTopic(kafka, { topic: changeTopic(source).name, from: offsetsFrom(from) }, async (record) => {
    const read = await changes.read(record);
    found = read.kind === 'change' && isReadSince(read.change, table, version);
    return !found;
  });
  return found;
};
