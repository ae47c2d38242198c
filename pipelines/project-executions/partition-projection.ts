/**
 * The executions of one partition under projection. Plans first, keeps after the acknowledgement: a batch that failed
 * to be written is planned again from where it stood. Memory holds the unfinished ones and the ids of the rest. What waits for long is
 * known again by its last snapshot, and pins nothing before that (decision 24).
 */
import { isOfUnbegun, snapshotPlaceOf } from '../../schemas/execution-snapshot.ts';
import type { AgentEvent } from '../../schemas/records.ts';
import {
  type Projected,
  type ProjectedExecution,
  projectEvent,
  restoredExecution,
  UNSEEN,
} from './projected-execution.ts';

interface Held {
  readonly execution: ProjectedExecution;
  /** Of its first event, or where its last snapshot begins. */
  readonly firstOffset: number;
  /** Its beginning, or a snapshot, was read; until then only what it cost and who claimed it is known. */
  readonly whole: boolean;
  /** By a snapshot. */
  readonly restored: boolean;
  /**
   * Its last event and those before, as long as a snapshot may still say that it begins with one of them: also of what looks ended, by the
   * word of a worker whose claim was lost below `from`. Linked, so that a plan adds one without touching what is held.
   */
  readonly since: Since | null;
  /** Of its task in freshet.tasks. */
  readonly taskOffset: number;
}

interface Since {
  readonly event: AgentEvent;
  readonly offset: number;
  readonly before: Since | null;
}

export interface Plan {
  readonly records: readonly Projected[];
  readonly changed: ReadonlyMap<string, Held>;
  /** The newest time of its events. */
  readonly latestAt: number;
}

export interface PartitionProjection {
  /** What events make, in order; nothing is kept yet. */
  plan(events: readonly { readonly event: AgentEvent; readonly offset: number }[]): Plan;
  keep(plan: Plan): void;
  /** Claimed or ended, by what is kept or by a plan; a task that waits to begin may be in the journal and is neither. */
  isPastPending(executionId: string, plan: Plan): boolean;
  /** Where to read the journal from, to know again what is unfinished or whose task is not projected yet (rule J). */
  pinnedAt(tasksFrom: number, eventsFrom: number): number;
  /** Forgets what ended, but for its id, once its task is projected; and what was left unfinished for good. */
  forget(tasksFrom: number): void;
}

/** More than a worker remembers, so that no task that it passes over as ended looks pending here. */
const MAX_ENDED = 100_000;
/** Tasks are kept as long: what is silent for longer can have no worker any more. */
const ABANDONED_MICROS = 7 * 24 * 3_600 * 1_000_000;
/** What waits is journaled again every day: of a longer silence of the whole partition, when no worker ran, no more counts. */
const MOST_SILENCE_MICROS = 24 * 3_600 * 1_000_000;

/** Oldest first. */
const eventsFrom = (since: Since | null, offset: number): AgentEvent[] => {
  const events: AgentEvent[] = [];
  for (let at = since; at && at.offset >= offset; at = at.before) events.push(at.event);
  return events.reverse();
};

/** Without what only its records say: prompts and answers are megabytes. Of an undo its input says what it costs. */
const withoutTexts = (event: AgentEvent): AgentEvent => {
  const isSaid = event.type === 'user-input' || event.type === 'checkpoint';
  return { ...event, output: null, input: isSaid ? event.input : null };
};

/**
 * `from`: the first offset that will be read. `restoredTo`: what is unfinished and began before `from` is known by a snapshot below this
 * offset; what comes above it of an execution that is not known says nothing any more but what it cost.
 */
export const createPartitionProjection = (from = 0, restoredTo = from): PartitionProjection => {
  const held = new Map<string, Held & { readonly heardAt: number }>();
  const ended = new Set<string>();
  let latestAt = 0;
  /** The log's own time, without its standstills; a clock that is ahead moves it by one of them at most. */
  let writtenFor = 0;

  const rememberEnded = (executionId: string): void => {
    ended.add(executionId);
    const [oldest] = ended.size > MAX_ENDED ? ended : [];
    if (oldest !== undefined) ended.delete(oldest);
  };

  const beginsAt = (event: AgentEvent): number | null => {
    const place = snapshotPlaceOf(event);
    return place && place.from >= from ? place.from : null;
  };

  /** By its first snapshot below `restoredTo`; null for every other event. */
  const restoredBy = (seen: Held, event: AgentEvent): Held | null => {
    const firstOffset = seen.restored ? null : beginsAt(event);
    if (firstOffset === null) return null;
    const before = eventsFrom(seen.since?.before ?? null, firstOffset);
    const execution = restoredExecution([...before, event]);
    return execution && { ...seen, execution, firstOffset, whole: true, restored: true, since: null };
  };

  /** A snapshot under the claim that holds stands for everything before it, and so does one of a task that nobody has begun. */
  const shortenedBy = (seen: Held, event: AgentEvent, counts: boolean): Held => {
    const stands = counts || (isOfUnbegun(event) && seen.execution.order.epoch === 0);
    const firstOffset = stands ? beginsAt(event) : null;
    return firstOffset === null ? seen : { ...seen, firstOffset: Math.max(seen.firstOffset, firstOffset) };
  };

  return {
    plan: (events) => {
      const records: Projected[] = [];
      const changed = new Map<string, Held>();
      let newestAt = 0;
      for (const { event, offset } of events) {
        newestAt = Math.max(newestAt, event.at);
        const { executionId } = event;
        const restoring = offset < restoredTo;
        const known = changed.get(executionId) ?? held.get(executionId);
        const before = known?.whole || restoring ? known : undefined;
        const begins = event.type === 'user-input' || event.type === 'claim';
        if (!before && (ended.has(executionId) || !(begins || restoring))) {
          // Its end was projected before; money that was spent late still counts, under the same key.
          records.push(...projectEvent(UNSEEN, event).records.filter(({ name }) => name === 'Cost'));
          continue;
        }
        const { execution, records: made } = projectEvent(before?.execution ?? UNSEEN, event);
        records.push(...made);
        const seen: Held = {
          execution,
          firstOffset: before?.firstOffset ?? offset,
          whole: before?.whole === true || begins,
          restored: before?.restored === true,
          since:
            restoring && !before?.restored
              ? { event: withoutTexts(event), offset, before: before?.since ?? null }
              : null,
          taskOffset: event.task?.offset ?? before?.taskOffset ?? -1,
        };
        const counts = execution.order !== before?.execution.order;
        changed.set(executionId, (restoring && restoredBy(seen, event)) || shortenedBy(seen, event, counts));
      }
      return { records, changed, latestAt: newestAt };
    },
    keep: ({ changed, latestAt: newestAt }) => {
      if (latestAt > 0) writtenFor += Math.min(Math.max(0, newestAt - latestAt), MOST_SILENCE_MICROS);
      latestAt = Math.max(latestAt, newestAt);
      for (const [executionId, each] of changed) held.set(executionId, { ...each, heardAt: writtenFor });
    },
    isPastPending: (executionId, { changed }) => {
      const { order } = (changed.get(executionId) ?? held.get(executionId))?.execution ?? UNSEEN;
      return order.epoch > 0 || ended.has(executionId);
    },
    pinnedAt: (tasksFrom, eventsFrom) => {
      let pinned = eventsFrom;
      for (const { execution, firstOffset, taskOffset, whole } of held.values()) {
        if (!whole) continue;
        if (!execution.order.ended || taskOffset >= tasksFrom) pinned = Math.min(pinned, firstOffset);
      }
      return pinned;
    },
    forget: (tasksFrom) => {
      for (const [executionId, { execution, taskOffset, heardAt, whole }] of held) {
        if (!whole) held.delete(executionId);
        else if (execution.order.ended && taskOffset < tasksFrom) {
          held.delete(executionId);
          rememberEnded(executionId);
        } else if (writtenFor - heardAt > ABANDONED_MICROS) held.delete(executionId);
      }
    },
  };
};
