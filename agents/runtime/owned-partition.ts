/**
 * What a worker holds of one partition: its journal, the tasks that wait and run, and how far they are finished. Made
 * when the partition is assigned, abandoned when it is revoked: what is still under way then changes nothing here.
 */
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KafkaRecord } from '../../connectors/kafka/kafka.ts';
import { finished, inFlight, started, trackFrom } from '../../connectors/kafka/offset-tracking-state.ts';
import { oldestOf } from '../../schemas/clock.ts';
import type { DeadLetterReason } from '../../schemas/dead-letters.ts';
import { FreshetError, toError, toFreshetError } from '../../schemas/errors.ts';
import { commitMetadataOf } from '../../schemas/journal-position.ts';
import type { AgentEvent } from '../../schemas/records.ts';
import { lostTask } from './lost-task.ts';
import type { PartitionJournal } from './partition-journal.ts';
import { openPartitionWaits, type PartitionWaitsSettings, type TaskWaits } from './partition-waits.ts';
import { type QueuedTask, queuedTaskOf } from './queued-task.ts';
import { type ReadableTask, type ReadTask, readTask } from './read-task.ts';
import { snapshotRecordOf } from './snapshot.ts';
import { createTaskQueue } from './task-queue.ts';
import { wholeEvents } from './whole-events.ts';
import type { PoolPlace } from './worker-pool.ts';

export interface OwnedPartition {
  readonly partition: number;
  readonly journal: PartitionJournal;
  /** Unique to this process and assignment: what claims are told apart by. */
  readonly worker: string;
  /** Ends what runs, when the partition goes or the worker does. */
  readonly signal: AbortSignal;
  /** Takes on records of freshet.tasks, in order. */
  take(records: readonly KafkaRecord[]): void;
  /** The next task that may start now, of a session in order, what waited under another worker too; none before the journal is read to where it ended at assignment. */
  next(now: number): QueuedTask | undefined;
  /** What is held and over, as `isOver` says, does not wait for its turn: it may start now. */
  hurry(isOver: (item: QueuedTask) => boolean): void;
  /** Its terminal event stands in the log, or it was dead-lettered. */
  finish(item: QueuedTask): void;
  waitsOf(item: QueuedTask): TaskWaits;
  /** Its place in the pool: while it is left, the task counts for none of its tenant's that run. */
  placeOf(item: QueuedTask, place: PoolPlace): PoolPlace;
  /** Has what waits for long journaled whole, so that it pins nothing. `pressed`: the partition is read no further. */
  journalWaits(pressed: boolean): void;
  /** Its journal is read to where it ended at assignment, and what waits is known. */
  isCurrent(): boolean;
  /** Taken on, and neither finished nor journaled whole. */
  open(): number;
  /** When the oldest task that could start and has no place came to Kafka, milliseconds since the Unix epoch. */
  oldest(): number | undefined;
  /** Records between the first unfinished and the last taken on: what a restart would read again. */
  span(): number;
  /** What to commit; undefined before the first record, and before it is known what waits. */
  commitPoint(): { readonly offset: number; readonly metadata: string } | undefined;
  committed(offset: number): void;
  /** Ends what runs; what it journaled stands, and the next owner takes it up. */
  halt(): void;
  /** The partition is another's: what is still under way changes nothing any more. */
  abandon(): void;
}

export interface OwnedPartitionSettings
  extends Pick<PartitionWaitsSettings, 'identityOf' | 'inputOf' | 'clock' | 'limits' | 'payloads'> {
  readonly partition: number;
  readonly journal: PartitionJournal;
  readonly worker: string;
  /** Where the journal ended at assignment. */
  readonly journalEnd: number;
  /** Of freshet.tasks; undefined where nothing was committed. */
  readonly committed: number | undefined;
  /** Where freshet.tasks began and ended at assignment. */
  readonly tasks: { readonly earliest: number; readonly latest: number };
  /** Of tasks that come without a trace. */
  readonly sampleRatio: number;
  readonly codec: Parameters<typeof readTask>[1];
  /** Resolves when the dead letter stands in the log. */
  readonly deadLetter: (record: KafkaRecord, reason: DeadLetterReason, message: string) => Promise<void>;
  /** Something may start, or has finished. */
  readonly onChange: () => void;
  readonly log: (level: 'warn' | 'error', message: string, details?: unknown) => void;
}

const RETRY_MS = 500;

export const openOwnedPartition = (settings: OwnedPartitionSettings): OwnedPartition => {
  const { partition, journal, onChange, log } = settings;
  const gone = new AbortController();
  // One listener for every call under way: as many as the pool has places.
  setMaxListeners(0, gone.signal);
  /** What waited under the worker before may stand anywhere among those that are read again. */
  const knownBelow = (offset: number): number =>
    offset < settings.tasks.latest ? offset : Number.POSITIVE_INFINITY;
  const queue = createTaskQueue<QueuedTask>(knownBelow(settings.committed ?? settings.tasks.earliest));
  let tracking = settings.committed === undefined ? undefined : trackFrom(settings.committed);
  let ready = false;

  const done = (offset: number): void => {
    if (gone.signal.aborted || !tracking) return;
    tracking = finished(tracking, offset);
    onChange();
  };

  /** Until it works or the partition is gone: a task is never passed over. */
  const persist = async <Of>(doing: string, action: () => Promise<Of>): Promise<Of> => {
    for (;;) {
      try {
        return await action();
      } catch (thrown) {
        log('warn', `${doing}: ${toError(thrown).message}; trying again`);
        await sleep(RETRY_MS, undefined, { signal: gone.signal });
      }
    }
  };

  /** Null: there is nothing to start. */
  const takenOn = async (record: KafkaRecord): Promise<QueuedTask | null> => {
    const { offset } = record;
    const read: ReadTask = await persist(`reading task ${partition}:${offset}`, () =>
      readTask(record, settings.codec),
    );
    if (read.kind === 'unreadable') {
      await persist(`dead-lettering task ${partition}:${offset}`, () =>
        settings.deadLetter(record, read.reason, read.message),
      );
      done(offset);
      return null;
    }
    const { snapshot = null, taskOffset } = journal.fold.execution(read.executionId) ?? {};
    // It waits, and was found by its snapshot.
    if (snapshot && taskOffset === offset) {
      done(offset);
      return null;
    }
    return queuedTaskOf(record, read, settings.clock(), settings.sampleRatio);
  };

  const takeAll = async (records: readonly KafkaRecord[]): Promise<void> => {
    for (const record of records) {
      if (gone.signal.aborted) return;
      const item = await takenOn(record);
      queue.knowBelow(knownBelow(record.offset + 1));
      if (item) queue.push(item);
      onChange();
    }
  };

  /** What waits, by its snapshot; where that is gone, what can still be said of it, so that it ends. */
  const restored = async (snapshot: AgentEvent): Promise<QueuedTask | null> => {
    const { taskId } = snapshot;
    const { whole, lost } = await persist(`reading what waits of ${taskId}`, () =>
      wholeEvents([snapshot], settings),
    );
    const record = lost || !whole[0] ? null : snapshotRecordOf(whole[0]);
    const queued = (of: KafkaRecord, read: ReadableTask): QueuedTask =>
      queuedTaskOf(of, read, settings.clock(), settings.sampleRatio);
    if (!record) {
      const message = `it waited for so long that its snapshot is gone${lost ? `: ${lost.message}` : ''}; send it again`;
      log('error', `${taskId}: ${message}`);
      const task = lostTask(snapshot, message);
      return task && queued(task.record, task.read);
    }
    const read = await persist(`reading task ${partition}:${record.offset}`, () =>
      readTask(record, settings.codec),
    );
    return read.kind === 'task' ? queued(record, read) : null;
  };

  /** What waited under the worker before. What stands before it in freshet.tasks is read after it: one of a session is held until then. */
  const restore = async (): Promise<void> => {
    await journal.readTo(settings.journalEnd);
    for (const { snapshot } of journal.fold.waiting()) {
      const item = snapshot && (await restored(snapshot));
      if (item) queue.push(item);
    }
    ready = true;
    onChange();
  };

  let taking = restore();
  taking.catch(() => undefined);

  const waits = openPartitionWaits({
    ...settings,
    nextTask: () => tracking?.next ?? 0,
    onJournaled: ({ offset }) => done(offset),
  });

  const halt = (): void => {
    gone.abort(new FreshetError('unavailable', `partition ${partition} is let go`));
    queue.clear();
  };

  return {
    partition,
    journal,
    worker: settings.worker,
    signal: gone.signal,
    take: (records) => {
      const [first] = records;
      if (!first) return;
      tracking ??= trackFrom(first.offset);
      for (const record of records) tracking = started(tracking, record.offset);
      taking = taking
        .then(() => takeAll(records))
        .catch((thrown) => {
          if (!gone.signal.aborted)
            log('error', `taking tasks of ${partition}: ${toFreshetError(thrown).message}`);
        });
    },
    next: (now) => (ready && !gone.signal.aborted ? queue.next(now) : undefined),
    hurry: (isOver) => {
      for (const item of queue.held()) if (isOver(item)) queue.hurry(item);
    },
    finish: (item) => {
      queue.release(item);
      journal.fold.forget(item.read.executionId);
      done(item.offset);
    },
    waitsOf: waits.of,
    placeOf: (item, place) => ({
      leaveWhile: async (wait, onlyEnds) => {
        queue.rest(item);
        try {
          await place.leaveWhile(wait, onlyEnds);
        } finally {
          queue.goOn(item);
        }
      },
    }),
    journalWaits: (pressed) => {
      if (!ready || gone.signal.aborted) return;
      for (const item of queue.held()) {
        const { snapshot = null, taskOffset } = journal.fold.execution(item.read.executionId) ?? {};
        // The same task sent twice: the first of them will be its result.
        if (!snapshot || taskOffset === item.offset) continue;
        queue.drop(item);
        done(item.offset);
      }
      waits.look(queue.held(), pressed);
    },
    isCurrent: () => ready,
    open: () => (tracking ? inFlight(tracking) : 0),
    oldest: () => oldestOf([...queue.ready()].map(({ record }) => record.timestamp)),
    span: () => (tracking ? tracking.next - tracking.committable : 0),
    commitPoint: () =>
      ready && tracking
        ? {
            offset: tracking.committable,
            metadata: commitMetadataOf(journal.fold.pinnedAt(tracking.committable)),
          }
        : undefined,
    committed: (offset) => journal.fold.forgetBelow(offset),
    halt,
    abandon: () => {
      halt();
      journal.abandon();
    },
  };
};
