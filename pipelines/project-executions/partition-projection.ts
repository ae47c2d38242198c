/**
 * The executions of one partition under projection. Plans first, keeps after the acknowledgement: a batch that failed
 * to be written is planned again from where it stood. Memory holds the unfinished ones and the ids of the rest.
 */
import type { AgentEvent } from '../../schemas/records.ts';
import { type Projected, type ProjectedExecution, projectEvent, UNSEEN } from './projected-execution.ts';

interface Held {
  readonly execution: ProjectedExecution;
  /** Of its first event. */
  readonly firstOffset: number;
  /** Of its task in freshet.tasks. */
  readonly taskOffset: number;
  readonly lastAt: number;
}

export interface Plan {
  readonly records: readonly Projected[];
  readonly changed: ReadonlyMap<string, Held>;
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

export const createPartitionProjection = (): PartitionProjection => {
  const held = new Map<string, Held>();
  const ended = new Set<string>();
  let latestAt = 0;

  const rememberEnded = (executionId: string): void => {
    ended.add(executionId);
    const [oldest] = ended.size > MAX_ENDED ? ended : [];
    if (oldest !== undefined) ended.delete(oldest);
  };

  return {
    plan: (events) => {
      const records: Projected[] = [];
      const changed = new Map<string, Held>();
      for (const { event, offset } of events) {
        const { executionId } = event;
        const before = changed.get(executionId) ?? held.get(executionId);
        const begins = event.type === 'user-input' || event.type === 'claim';
        if (!before && (ended.has(executionId) || !begins)) {
          // Its end was projected before; money that was spent late still counts, under the same key.
          records.push(...projectEvent(UNSEEN, event).records.filter(({ name }) => name === 'Cost'));
          continue;
        }
        const { execution, records: made } = projectEvent(before?.execution ?? UNSEEN, event);
        records.push(...made);
        changed.set(executionId, {
          execution,
          firstOffset: before?.firstOffset ?? offset,
          taskOffset: event.task?.offset ?? before?.taskOffset ?? -1,
          lastAt: event.at,
        });
      }
      return { records, changed };
    },
    keep: ({ changed }) => {
      for (const [executionId, each] of changed) {
        held.set(executionId, each);
        latestAt = Math.max(latestAt, each.lastAt);
      }
    },
    isPastPending: (executionId, { changed }) => {
      const { order } = (changed.get(executionId) ?? held.get(executionId))?.execution ?? UNSEEN;
      return order.epoch > 0 || ended.has(executionId);
    },
    pinnedAt: (tasksFrom, eventsFrom) => {
      let pinned = eventsFrom;
      for (const { execution, firstOffset, taskOffset } of held.values()) {
        if (!execution.order.ended || taskOffset >= tasksFrom) pinned = Math.min(pinned, firstOffset);
      }
      return pinned;
    },
    forget: (tasksFrom) => {
      for (const [executionId, { execution, taskOffset, lastAt }] of held) {
        if (execution.order.ended && taskOffset < tasksFrom) {
          held.delete(executionId);
          rememberEnded(executionId);
        } else if (latestAt - lastAt > ABANDONED_MICROS) held.delete(executionId);
      }
    },
  };
};
