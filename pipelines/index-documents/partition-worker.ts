/** One partition's work: changes in, records out, in order. The effects around the decisions of this folder. */

import type { DocumentTable } from '../../connectors/document-table/document-table.ts';
import type { KafkaRecord } from '../../connectors/kafka/kafka.ts';
import type { RecordWriter } from '../../connectors/kafka/record-writer.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import { applyFloors } from '../apply-floors.ts';
import { type BatchQueue, type BatchQueueSettings, createBatchQueue } from '../batch-queue.ts';
import type { BatchBounds } from '../batch-size.ts';
import { decodeDocuments } from '../decode-documents.ts';
import { type FoldedDocuments, foldDocuments, type LoggedDocument } from '../fold-documents.ts';
import type { DriftWatch } from '../gates/drift-state.ts';
import { RECORD_BOUNDS } from '../record-bounds.ts';
import { untilItPasses } from '../until-it-passes.ts';
import { againUnder } from './carried-content.ts';
import { type EmbedSettings, embedDocuments } from './embed-documents.ts';
import {
  afterSnapshots,
  awaitsMark,
  type FoundPause,
  pausedTables,
  type TableTurn,
} from './paused-tables.ts';
import type { ChangeToPrepare, PrepareSettings } from './prepare-changes.ts';
import { prepareChanges } from './prepare-changes.ts';
import { type AppendPlan, documentHeaders, planAppends } from './records-to-append.ts';
import { isChangeOf, type Redrive } from './release-decisions.ts';

export interface PartitionWorkerSettings {
  readonly partition: number;
  readonly documentPartitions: number;
  readonly table: DocumentTable;
  readonly writer: RecordWriter;
  readonly codec: RecordCodec;
  readonly prepare: PrepareSettings;
  readonly embed: Omit<EmbedSettings, 'drift'> & { readonly drift?: DriftWatch };
  readonly readChange: (record: KafkaRecord) => Promise<ChangeToPrepare['read']>;
  readonly sourceOf: (topic: string) => string;
  /** Everything up to and including these records is done. */
  readonly onDone: (records: readonly KafkaRecord[], plan: AppendPlan) => void;
  readonly onReappended: (documents: number) => void;
  readonly onRetry: (error: Error, attempt: number) => void;
  readonly onFull: () => void;
  readonly onDrained: () => void;
  /** As onFull and onDrained, of the partition of freshet.documents. */
  readonly onTailFull: () => void;
  readonly onTailDrained: () => void;
  /** The end of the partition of freshet.documents is waited for. */
  readonly onBehind: () => void;
  /** A stretch of the partition of freshet.documents that need not be read: this worker appended all of it. */
  readonly onOwn: (stretch: { readonly from: number; readonly to: number }) => void;
  /** The table has caught up with the log as it stood at the assignment, or after a failed append. */
  readonly onCurrent: () => void;
  /** Which tables are paused now (paused-tables.ts); marks in the stream say what follows. */
  readonly tableTurns: () => Promise<ReadonlyMap<string, TableTurn>>;
  readonly askForPause: (found: readonly FoundPause[]) => Promise<void>;
  /** One past the last offset of the partition of freshet.documents. */
  readonly logEnd: () => Promise<number>;
}

export interface PartitionWorker {
  changes(records: readonly KafkaRecord[]): void;
  /** Changes that were done before, once more; behind what waits. Resolves when they are done: never, where the worker ends before. */
  redrive(redrives: readonly Redrive[]): Promise<void>;
  documents(records: readonly KafkaRecord[]): void;
  /** Begins to wait for the log's end; `onCurrent` follows. */
  catchUp(): Promise<void>;
  waiting(): number;
  /** When the oldest change that is not done came to Kafka, milliseconds since the Unix epoch. */
  oldest(): number | undefined;
  stop(): Promise<void>;
  abandon(): void;
}

/** A row changed during a long load waits for a second of embedding at most, not for the load. */
const CHANGES: BatchBounds = { least: 16, most: 256, withinMs: 250 };
const TAIL: BatchBounds = { least: 200, most: 800, withinMs: 100 };
const HIGH_WATER = 2_000;
/** A topic is read for it, while changes wait. */
const TURNS_AGAIN_MS = 30_000;

export const createPartitionWorker = (settings: PartitionWorkerSettings): PartitionWorker => {
  const { partition, table, writer, codec } = settings;
  let suspect = false;
  let turns: ReadonlyMap<string, TableTurn> | undefined;
  let turnsReadAt = 0;
  let target: number | undefined;
  let caughtUp: (() => void)[] = [];
  const gone = new AbortController();
  const redriven = new WeakMap<KafkaRecord, Redrive & { readonly done: () => void }>();

  const position = (): number => table.position(partition) ?? 0;

  /** The same change under the version of its redrive. */
  const readAgain = async (record: KafkaRecord, redrive?: Redrive): Promise<ChangeToPrepare['read']> => {
    const change = redrive?.change;
    const read: ChangeToPrepare['read'] = change
      ? { kind: 'change', change }
      : await settings.readChange(record);
    if (!redrive) return read;
    if (!isChangeOf(redrive.documentId, settings.sourceOf(record.topic), read)) return { kind: 'dropped' };
    return read.kind === 'change' ? { ...read, change: againUnder(read.change, redrive.version) } : read;
  };

  const announce = (): void => {
    if (target === undefined || position() < target) return;
    target = undefined;
    const resolved = caughtUp;
    caughtUp = [];
    for (const resolve of resolved) resolve();
  };

  const untilCurrent = async (): Promise<void> => {
    const end = await settings.logEnd();
    await new Promise<void>((resolve) => {
      caughtUp.push(resolve);
      target = Math.max(target ?? 0, end);
      settings.onBehind();
      announce();
    });
  };

  const turnsNow = async (): Promise<ReadonlyMap<string, TableTurn>> => {
    const now = performance.now();
    if (turns && !(awaitsMark(turns) && now - turnsReadAt > TURNS_AGAIN_MS)) return turns;
    const said = await settings.tableTurns();
    turnsReadAt = now;
    turns = turns ? afterSnapshots(turns, said) : said;
    return turns;
  };

  const processChanges = async (records: readonly KafkaRecord[], signal: AbortSignal): Promise<void> => {
    // A failed append may stand in the log all the same: read to its end before deciding anything again (rule P).
    if (suspect) {
      await untilCurrent();
      suspect = false;
    }
    const pauses = pausedTables(await turnsNow());
    const changes = await Promise.all(
      records.map(async (record) => ({
        record,
        source: settings.sourceOf(record.topic),
        read: await readAgain(record, redriven.get(record)),
        dropped: redriven.get(record)?.action === 'drop',
      })),
    );
    const holdings = {
      standing: (id: string) => table.standing(partition, id),
      newest: (id: string) => table.get(partition, id)?.record,
      floor: (id: string) => table.floor(partition, id),
      pauses,
    };
    const prepared = await prepareChanges(settings.prepare, holdings, changes);
    const { drift: watch, ...embed } = settings.embed;
    const drift = watch?.stage();
    const outcomes = await embedDocuments({ ...embed, ...(drift && { drift }) }, prepared);
    const plan = planAppends(
      {
        codec,
        partition,
        documentPartitions: settings.documentPartitions,
        limits: settings.prepare.limits,
        now: settings.prepare.clock(),
      },
      outcomes,
    );
    // The partition may have moved while the model worked; its new owner writes these.
    if (signal.aborted) return;
    try {
      // Before the batch counts as done: what was found is not found again.
      await settings.askForPause(pauses.found());
      await writer.append(plan.refused);
      const places = await writer.append(plan.records);
      drift?.commit();
      await rememberOwn(
        plan.documents.map(({ at, record, body }) => ({
          ...{ record, body },
          offset: places[at]?.offset ?? Number.NaN,
        })),
      );
    } catch (error) {
      suspect = true;
      throw error;
    }
    turns = pauses.after();
    settings.onDone(
      records.filter((record) => !redriven.has(record)),
      plan,
    );
    for (const record of records) redriven.get(record)?.done();
  };

  /** What was appended is known as if it had been read, and where nobody else wrote in between it need not be (decision 29). */
  const rememberOwn = async (appended: readonly LoggedDocument[]): Promise<void> => {
    const folded = foldDocuments(await applyFloors(table, partition, appended), partition, appended);
    const from = position();
    // A newer one that came meanwhile stands before an older now: the tail sees that and mends it.
    const to = folded.again.length > 0 ? from : endOfStretch(from, appended);
    remember(folded, to);
    if (to === from) return;
    settings.onOwn({ from, to });
    announce();
  };

  const remember = (folded: FoldedDocuments, next: number): void => {
    const { documents, floors, removed } = folded;
    table.write({ partition, position: next, documents, floors, removed });
  };

  const processTail = async (records: readonly KafkaRecord[], signal: AbortSignal): Promise<void> => {
    // What this worker appended is in the table already; the rest is another's, or older than a crash.
    const unknown = records.filter(
      ({ key, offset }) => table.standing(partition, key?.toString() ?? '')?.offset !== offset,
    );
    const decoded = await decodeDocuments(codec, unknown);
    const last = records.at(-1);
    if (!last || signal.aborted) return;
    const held = await applyFloors(table, partition, decoded);
    if (signal.aborted) return;
    let folded = foldDocuments(held, partition, decoded);
    if (folded.again.length > 0) {
      // Before the position moves past what made it necessary: a crash in between would leave the older one last.
      await writer.append(
        folded.again.map((record) => ({
          topic: last.topic,
          partition,
          key: record.documentId,
          value: codec.encode('Document', record),
          headers: documentHeaders(record, settings.prepare.clock()),
        })),
      );
      settings.onReappended(folded.again.length);
      // Changes may have been written to the table meanwhile.
      folded = foldDocuments(held, partition, decoded);
    }
    // What was appended behind these records meanwhile may be known already.
    remember(folded, Math.max(position(), last.offset + 1));
    announce();
  };

  const queue = (
    process: (records: readonly KafkaRecord[], signal: AbortSignal) => Promise<void>,
    batch: BatchBounds,
    events: Pick<BatchQueueSettings<KafkaRecord>, 'onFull' | 'onDrained' | 'onRetry'>,
  ): BatchQueue<KafkaRecord> =>
    createBatchQueue({ batch, highWater: HIGH_WATER, ...RECORD_BOUNDS, process, ...events });
  const { onFull, onDrained, onTailFull, onTailDrained, onRetry } = settings;
  const changes = queue(processChanges, CHANGES, {
    onFull,
    onDrained,
    onRetry: (error, attempt) => {
      // What holds this batch up may be a table that is paused by now: its mark stands behind the batch.
      turns = undefined;
      onRetry(error, attempt);
    },
  });
  const tail = queue(processTail, TAIL, { onFull: onTailFull, onDrained: onTailDrained, onRetry });

  return {
    changes: (records) => changes.push(records),
    redrive: async (redrives) => {
      const each = redrives.map(
        (redrive) => new Promise<void>((done) => redriven.set(redrive.record, { ...redrive, done })),
      );
      changes.push(redrives.map(({ record }) => record));
      await Promise.all(each);
    },
    documents: (records) => tail.push(records),
    catchUp: async () => {
      await untilItPasses(untilCurrent, { signal: gone.signal, onRetry: settings.onRetry });
      if (!gone.signal.aborted) settings.onCurrent();
    },
    waiting: () => changes.waiting(),
    oldest: () => {
      const first = changes.first();
      // One that a person asks for once more is as old as it was.
      return first && !redriven.has(first) ? first.timestamp : undefined;
    },
    stop: async () => {
      await changes.stop();
      await tail.stop();
    },
    abandon: () => {
      gone.abort();
      changes.abandon();
      tail.abandon();
    },
  };
};

/** One past the records that stand without a gap from an offset on. They come in order of offset. */
const endOfStretch = (from: number, appended: readonly LoggedDocument[]): number => {
  let next = from;
  for (const { offset } of appended) if (offset === next) next += 1;
  return next;
};
