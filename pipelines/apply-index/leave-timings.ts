/**
 * What an index tells on freshet.freshness of the changes that it applied: one record each, some at a time. It tells of the
 * work and must never hold it back: what cannot be written is lost, and counted.
 */
import type { RecordToAppend } from '../../connectors/kafka/kafka.ts';
import type { RecordWriter } from '../../connectors/kafka/record-writer.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import { cloudEventHeaders } from '../../schemas/cloud-event.ts';
import { tablePrefixOf } from '../../schemas/document-id.ts';
import type { Document, Timing } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';

export interface AppliedChange {
  readonly record: Document;
  /** False: a newer one stood there already. */
  readonly applied: boolean;
  readonly appendedAt: number;
}

export interface TimingsSettings {
  /** Of the index. */
  readonly name: string;
  readonly writer: RecordWriter;
  readonly codec: Pick<RecordCodec, 'encode'>;
  /** The clock of a source less ours, microseconds, as far as it is known. */
  readonly clockOffset: (source: string) => number;
  readonly onTold: (timing: Timing) => void;
  readonly onLost: (error: Error) => void;
}

export interface Timings {
  /** All times in microseconds since the Unix epoch. */
  leave(
    partition: number,
    changes: readonly AppliedChange[],
    times: { readonly appliedAt: number; readonly searchableAt: number },
  ): void;
  /** Tells what is left. */
  close(): Promise<void>;
}

const TELL_EVERY_MS = 100;

/** Rows that a snapshot read were committed whenever it was: the last of a table in a batch tells that it came this far. */
export const worthTelling = (changes: readonly AppliedChange[]): readonly AppliedChange[] => {
  const tablesRead = changes.map(({ record: { timing, source, table } }) =>
    timing.basis === 'snapshot' ? tablePrefixOf(source, table) : undefined,
  );
  const lastOf = new Map(tablesRead.map((table, at) => [table, at]));
  return changes.filter((_, at) => tablesRead[at] === undefined || lastOf.get(tablesRead[at]) === at);
};

export const createTimings = (settings: TimingsSettings): Timings => {
  const { name, writer, codec, clockOffset, onLost } = settings;
  let waiting: RecordToAppend[] = [];
  let timer: NodeJS.Timeout | undefined;

  const tell = async (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    const told = waiting;
    waiting = [];
    await writer.append(told).catch(onLost);
  };

  return {
    leave: (partition, changes, { appliedAt, searchableAt }) => {
      for (const { record, applied, appendedAt } of worthTelling(changes)) {
        const { documentId, source, table, version, kind, timing } = record;
        const told: Timing = {
          ...{ documentId, source, table, version, kind, index: name },
          outcome: applied ? 'applied' : 'superseded',
          ...timing,
          clockOffsetMicros: clockOffset(source),
          ...{ appendedAt, appliedAt, searchableAt },
        };
        settings.onTold(told);
        waiting.push({
          topic: TOPICS.freshness.name,
          partition,
          key: documentId,
          value: codec.encode('Timing', told),
          headers: cloudEventHeaders({
            id: `${name}:${documentId}@${version}`,
            type: 'freshet.timing',
            source: 'freshet/apply-index',
            at: searchableAt,
          }),
        });
      }
      if (waiting.length > 0) timer ??= setTimeout(tell, TELL_EVERY_MS);
    },
    close: tell,
  };
};
