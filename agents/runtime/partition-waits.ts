/**
 * What waits in one partition, and its journaling whole: for a person, a sub-task, a far retry, or for its time to begin. Once
 * its snapshot stands, its task counts as finished for the commit, and a successor finds it by the snapshot alone
 * (rule J, docs/decisions/0024). Which are due is `wait-state.ts`'s to say.
 */
import type { PayloadReader } from '../../connectors/payloads/payload-reader.ts';
import { toError, toFreshetError } from '../../schemas/errors.ts';
import type { UserInput } from '../../schemas/execution-payloads.ts';
import { type EventDraft, eventOf, type Identity } from './execution-journal.ts';
import { journaledState } from './journaled-state.ts';
import type { PartitionJournal } from './partition-journal.ts';
import type { QueuedTask } from './queued-task.ts';
import { snapshotDraftOf } from './snapshot.ts';
import { nextHeard } from './subtasks.ts';
import { isWaitDue, type WaitLimits } from './wait-state.ts';

/** Of one task that runs. */
export interface TaskWaits {
  /**
   * Waits, and meanwhile has a snapshot written whenever one is due; nothing is being written any more when it resolves. Errors: of
   * `write`, which end the wait by its signal.
   */
  during(
    write: (draft: EventDraft) => Promise<unknown>,
    wait: (failed: AbortSignal) => Promise<void>,
  ): Promise<void>;
}

export interface PartitionWaits {
  of(item: QueuedTask): TaskWaits;
  /**
   * Begins to write what is due, of those that run and wait, and of those given, which may not begin yet. `pressed`: the partition
   * is read no further until something is finished.
   */
  look(held: readonly QueuedTask[], pressed: boolean): void;
}

export interface PartitionWaitsSettings {
  readonly journal: Pick<PartitionJournal, 'fold' | 'append'>;
  readonly payloads: Pick<PayloadReader, 'whole'>;
  readonly limits: WaitLimits;
  readonly identityOf: (item: QueuedTask) => Identity;
  readonly inputOf: (item: QueuedTask) => UserInput;
  /** Microseconds since the Unix epoch. */
  readonly clock: () => number;
  /** One past the last task that was taken on. */
  readonly nextTask: () => number;
  /** Its snapshot stands: its record in freshet.tasks is needed no more. */
  readonly onJournaled: (item: QueuedTask) => void;
  readonly log: (level: 'warn' | 'error', message: string, details?: unknown) => void;
}

interface Wait {
  readonly item: QueuedTask;
  /** Microseconds since the Unix epoch. */
  readonly since: number;
  readonly write: (draft: EventDraft) => Promise<unknown>;
  readonly onFailure: (error: Error) => void;
  writing?: Promise<void>;
}

/** Begun in one look: a partition with thousands does not keep the heartbeat waiting. */
const MOST_AT_ONCE = 100;

export const openPartitionWaits = (settings: PartitionWaitsSettings): PartitionWaits => {
  const { journal, limits, clock, log } = settings;
  const { fold } = journal;
  const running = new Set<Wait>();
  const writing = new Set<QueuedTask>();
  const tooLarge = new WeakSet<QueuedTask>();

  const isDue = ({ item, since }: Wait, journaled: number, pressed: boolean): boolean => {
    if (writing.has(item) || tooLarge.has(item)) return false;
    const { snapshot = null, readFrom = fold.position() } = fold.execution(item.read.executionId) ?? {};
    const seen = {
      waitedMs: (clock() - since) / 1_000,
      tasksBehind: settings.nextTask() - item.offset - 1,
      recordsBehind: fold.position() - readFrom,
      journaledMs: snapshot && (clock() - snapshot.at) / 1_000,
    };
    return isWaitDue(seen, { journaled, pressed }, limits);
  };

  const journalWhole = async ({ item, write }: Wait): Promise<void> => {
    const { executionId, taskId } = item.read;
    const { snapshot: last = null, events = [] } = fold.execution(executionId) ?? {};
    const from = fold.position();
    const { state, lost } = await journaledState({ snapshot: last, events: [...events] }, settings);
    // What it has heard and not journaled stands before the snapshot: it goes on with that at once.
    if (lost || nextHeard(state, events)) return;
    const draft = snapshotDraftOf(item.record, from, state, item.read.input.parent ?? undefined);
    if (!draft) {
      tooLarge.add(item);
      log('warn', `${taskId} is too large for a snapshot: as long as it waits, its task is not committed`);
      return;
    }
    await write(draft);
    const { snapshot = null, taskOffset } = fold.execution(executionId) ?? {};
    if (snapshot !== last && taskOffset === item.offset) settings.onJournaled(item);
  };

  const begin = (wait: Wait): void => {
    writing.add(wait.item);
    wait.writing = journalWhole(wait)
      .catch((thrown) => wait.onFailure(toError(thrown)))
      .finally(() => writing.delete(wait.item));
  };

  const isUnbegun = ({ read }: QueuedTask): boolean =>
    (fold.execution(read.executionId)?.order.epoch ?? 0) === 0;

  /** A task that was not begun is under no claim: its input and its snapshot stand beside each other. */
  const unbegun = (item: QueuedTask): Wait => ({
    item,
    since: item.since,
    write: (draft) => {
      const identity = settings.identityOf(item);
      const place = { epoch: 0, sequence: 0 };
      const input: EventDraft = {
        type: 'user-input',
        step: 0,
        input: JSON.stringify(settings.inputOf(item)),
        task: draft.task ?? null,
      };
      const hasInput = fold.execution(item.read.executionId)?.order.hasInput === true;
      const drafts = hasInput ? [draft] : [input, draft];
      return journal.append(
        drafts.map((each) => eventOf(identity, each, place, clock())),
        item.trace.traceparent,
      );
    },
    // Somebody may have begun it meanwhile; if nobody has, it is due again at the next look.
    onFailure: (error) => {
      if (toFreshetError(error).code !== 'conflict') log('warn', `${item.read.taskId}: ${error.message}`);
    },
  });

  return {
    of: (item) => ({
      during: async (write, wait) => {
        const failed = new AbortController();
        const onFailure = (error: Error): void => failed.abort(error);
        const held: Wait = { item, since: clock(), write, onFailure };
        tooLarge.delete(item);
        running.add(held);
        try {
          await wait(failed.signal);
        } finally {
          running.delete(held);
          await held.writing;
        }
        failed.signal.throwIfAborted();
      },
    }),
    look: (held, pressed) => {
      const waits = [...running, ...held.filter(isUnbegun).map(unbegun)];
      const journaled = fold.waiting().length;
      let begun = 0;
      for (const wait of waits) {
        if (begun === MOST_AT_ONCE) return;
        if (!isDue(wait, journaled + begun, pressed)) continue;
        begin(wait);
        begun += 1;
      }
    },
  };
};
