/**
 * freshet.documents → the vector index: the index role's main loop. Every replica is a consumer group of its own and
 * reads all partitions, from where its own table ends; each partition is applied in order, in batches of what has come.
 */

import { randomUUID } from 'node:crypto';
import { openGroupReader } from '../../connectors/kafka/group-reader.ts';
import type { KafkaClient, KafkaRecord } from '../../connectors/kafka/kafka.ts';
import type { RecordWriter } from '../../connectors/kafka/record-writer.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import { type Clock, oldestOf } from '../../schemas/clock.ts';
import type { FreshetError } from '../../schemas/errors.ts';
import type { Timing } from '../../schemas/records.ts';
import type { Receipt } from '../../schemas/search.ts';
import { type BatchQueue, createBatchQueue } from '../batch-queue.ts';
import type { BatchBounds } from '../batch-size.ts';
import { beginsAnew } from '../begins-anew.ts';
import { decodeDocuments } from '../decode-documents.ts';
import type { FoldedDocuments, LoggedDocument } from '../fold-documents.ts';
import { RECORD_BOUNDS } from '../record-bounds.ts';
import { createApply, type IndexGeneration, type PartitionBatch, removeStale } from './apply-documents.ts';
import { createTimings } from './leave-timings.ts';
import { takeRounds } from './take-rounds.ts';

export interface ApplyIndexSettings {
  /** Names this replica: its consumer group, its receipts, its timings. */
  readonly name: string;
  /** Of documents: freshet.documents, or that of another model. */
  readonly topic: string;
  readonly kafka: KafkaClient;
  readonly writer: RecordWriter;
  readonly codec: RecordCodec;
  readonly generation: () => IndexGeneration;
  readonly clock: Clock;
  /** The clock of a source less ours, microseconds, as far as it is known. */
  readonly clockOffset: (source: string) => number;
  /** Whether this replica tells how long changes took: one of several does. */
  readonly timings: boolean;
  readonly onEvent: (event: ApplyIndexEvent) => void;
  /** Records up to this one were applied and are visible; the table's positions have moved. */
  readonly onApplied: (batch: { readonly partition: number; readonly last: KafkaRecord }) => void;
  /** Whether what is applied is searched: only then its timings tell of freshness. */
  readonly serves: () => boolean;
  readonly onFailure: (error: FreshetError) => void;
}

export type ApplyIndexEvent =
  | {
      readonly type: 'records';
      readonly outcome: 'applied' | 'superseded' | 'unreadable';
      readonly count: number;
    }
  /** What is left on freshet.freshness of one change. */
  | { readonly type: 'timed'; readonly timing: Timing }
  | { readonly type: 'retry'; readonly partition: number; readonly error: Error; readonly attempt: number };

export interface ApplyIndex {
  /** True once everything that stood in the log at the start is applied. */
  current(): boolean;
  /** Records read and not yet applied. */
  waiting(): number;
  /** When the oldest record that is not applied came to Kafka, milliseconds since the Unix epoch. */
  oldest(): number | undefined;
  /** Why it applies nothing at the moment, such as a full disk; searches go on in what is there. Null while it works. */
  trouble(): Error | null;
  /** The newest commit applied, by source. */
  newestApplied(): Receipt['newestApplied'];
  /** Resolves once what is being applied now is, or has failed. */
  settled(): Promise<unknown>;
  /** Stops taking records on, runs an action while nothing is applied, and goes on from where the tables then end. One after another. */
  exclusively<T>(action: () => Promise<T>): Promise<T>;
  stop(): Promise<void>;
}

const BATCH: BatchBounds = { least: 200, most: 800, withinMs: 100 };
const HIGH_WATER = 2_000;

export const startApplyIndex = async (settings: ApplyIndexSettings): Promise<ApplyIndex> => {
  const { kafka, codec, clock, topic: documentsTopic } = settings;
  const queues = new Map<number, BatchQueue<KafkaRecord>>();
  /** By partition: what its batch is tried again for. */
  const troubles = new Map<number, Error>();
  const newestApplied: Record<string, { version: string; committedAt: number }> = {};
  const timings = createTimings({
    ...{ name: settings.name, writer: settings.writer, codec, clockOffset: settings.clockOffset },
    onTold: (timing) => settings.onEvent({ type: 'timed', timing }),
    onLost: (error) => settings.onEvent({ type: 'retry', partition: -1, error, attempt: 0 }),
  });
  const endsAtStart = new Map(
    (await kafka.admin.offsets(documentsTopic)).map((each) => [each.partition, each.latest]),
  );
  /** What stands before it is history, whose searchable time says nothing of freshness. What came while nobody applied is late. */
  const liveFrom = new Map<number, number>();
  await removeStale(settings.generation());

  const position = (partition: number): number => settings.generation().table.position(partition) ?? 0;

  /** Partitions with the end of their log as it was: of rows that it does not bring again the table knows nothing any more. */
  const begunAnew = new Map<number, number>();
  const applyBatches = createApply(() => settings.generation(), begunAnew);
  /** Undefined for a partition that was given up before its turn came. */
  const apply = takeRounds<PartitionBatch & { readonly signal: AbortSignal }, FoldedDocuments | undefined>({
    sizeOf: ({ records }) => records.length,
    most: BATCH.least,
    apply: async (batches) => {
      const held = batches.filter(({ signal }) => !signal.aborted);
      const folded = held.length > 0 ? await applyBatches(held) : [];
      return batches.map((batch) => folded[held.indexOf(batch)]);
    },
  });

  const underWay = new Set<Promise<unknown>>();
  const applyBatch = async (
    partition: number,
    records: readonly KafkaRecord[],
    signal: AbortSignal,
  ): Promise<void> => {
    const last = records.at(-1);
    if (!last) return;
    const documents = await decodeDocuments(codec, records);
    if (signal.aborted) return;
    const appliedAt = clock();
    const applying = apply({ partition, position: last.offset + 1, records: documents, signal });
    underWay.add(applying);
    const folded = await applying.finally(() => underWay.delete(applying));
    if (!folded) return;
    const { applied } = folded;
    const searchableAt = clock();
    settings.onApplied({ partition, last });
    const count = applied.filter(Boolean).length;
    troubles.delete(partition);
    settings.onEvent({ type: 'records', outcome: 'applied', count });
    settings.onEvent({ type: 'records', outcome: 'superseded', count: applied.length - count });
    settings.onEvent({ type: 'records', outcome: 'unreadable', count: records.length - documents.length });
    noteNewest(documents, applied);
    leaveTimings(partition, records, documents, applied, { appliedAt, searchableAt });
  };

  const noteNewest = (documents: readonly LoggedDocument[], applied: readonly boolean[]): void => {
    for (const [at, { record }] of documents.entries()) {
      const known = newestApplied[record.source];
      if (applied[at] && (!known || known.version < record.version))
        newestApplied[record.source] = { version: record.version, committedAt: record.timing.committedAt };
    }
  };

  const leaveTimings = (
    partition: number,
    records: readonly KafkaRecord[],
    documents: readonly LoggedDocument[],
    applied: readonly boolean[],
    times: { readonly appliedAt: number; readonly searchableAt: number },
  ): void => {
    if (!settings.timings || !settings.serves()) return;
    const appended = new Map(records.map((record) => [record.offset, record.timestamp * 1_000]));
    const live = documents
      .map(({ record, offset, ended = false }, at) => ({
        ...{ record, offset, ended, applied: applied[at] ?? false },
        appendedAt: appended.get(offset) ?? 0,
      }))
      // The end of a marker is no change of a source.
      .filter(({ offset, ended }) => !ended && offset >= (liveFrom.get(partition) ?? 0));
    timings.leave(partition, live, times);
  };

  const queueOf = (partition: number): BatchQueue<KafkaRecord> =>
    createBatchQueue<KafkaRecord>({
      batch: BATCH,
      highWater: HIGH_WATER,
      ...RECORD_BOUNDS,
      process: (records, signal) => applyBatch(partition, records, signal),
      onFull: () => reader.pause({ topic: documentsTopic, partition }),
      onDrained: () => reader.resume({ topic: documentsTopic, partition }),
      onRetry: (error, attempt) => {
        troubles.set(partition, error);
        settings.onEvent({ type: 'retry', partition, error, attempt });
      },
    });

  // Of this run alone: killed, it is a member until its session ends, and would wait for itself when it is started again.
  const groupId = `freshet.apply-index.${settings.name}.${randomUUID()}`;
  const reader = await openGroupReader(
    kafka,
    { groupId, topics: [documentsTopic] },
    {
      onAssigned: async (partitions) => {
        const log = new Map(
          (await kafka.admin.offsets(documentsTopic)).map((each) => [each.partition, each]),
        );
        // A round of before may be under way, and writes where it ends: behind a table that begins anew, beyond all that it holds.
        for (const { partition } of partitions) {
          queues.get(partition)?.abandon();
          await queues.get(partition)?.stop();
        }
        return partitions.map(({ topic, partition }) => {
          const { earliest, latest } = log.get(partition) ?? { earliest: 0, latest: 0 };
          const { table } = settings.generation();
          if (beginsAnew(table, { partition, latest, now: clock() })) {
            table.clear(partition);
            // Of one that holds nothing any more there is nothing to wait for.
            begunAnew.set(partition, earliest < latest ? latest : 0);
          }
          if (table.position(partition) === undefined)
            table.write({ partition, position: earliest, historyEnd: latest });
          liveFrom.set(partition, table.historyEnd(partition) ?? position(partition));
          queues.set(partition, queueOf(partition));
          return { topic, partition, offset: Math.max(earliest, position(partition)) };
        });
      },
      onRevoked: (partitions) => {
        for (const { partition } of partitions) queues.get(partition)?.abandon();
      },
      onBatch: ({ partition, records }) => queues.get(partition)?.push(records),
      onFailure: settings.onFailure,
    },
  );

  const exclusively = async <T>(action: () => Promise<T>): Promise<T> => {
    const partitions = reader.owned().map((each) => each.partition);
    for (const partition of partitions) reader.pause({ topic: documentsTopic, partition });
    await Promise.all([...queues.values()].map((queue) => queue.stop()));
    try {
      return await action();
    } finally {
      for (const partition of stopped ? [] : partitions) {
        queues.set(partition, queueOf(partition));
        reader.rewind({ topic: documentsTopic, partition, offset: position(partition) });
        reader.resume({ topic: documentsTopic, partition });
      }
    }
  };

  let stopped = false;
  let holding: Promise<unknown> = Promise.resolve();
  return {
    current: () => [...endsAtStart].every(([partition, end]) => position(partition) >= end),
    trouble: () => [...troubles.values()][0] ?? null,
    waiting: () => [...queues.values()].reduce((sum, queue) => sum + queue.waiting(), 0),
    oldest: () => oldestOf([...queues.values()].map((queue) => queue.first()?.timestamp)),
    newestApplied: () => ({ ...newestApplied }),
    settled: () => Promise.allSettled([...underWay]),
    exclusively: (action) => {
      // Of two at once the first to end would have records applied under the other.
      const held = holding.then(() => exclusively(action));
      holding = held.catch(() => undefined);
      return held;
    },
    stop: async () => {
      stopped = true;
      await Promise.all([...queues.values()].map((queue) => queue.stop()));
      await timings.close();
      await reader.close();
      await kafka.admin.deleteGroups([groupId]).catch(() => undefined);
    },
  };
};
