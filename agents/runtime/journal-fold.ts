/**
 * One partition of the journal as its owner knows it: folded strictly in log order, from records read and from own
 * records whose place Kafka acknowledged. A place acknowledged to us next to what is known needs no reading back:
 * nobody else wrote between. Pure but for being kept in place, as it is on the path of every step.
 */
import { advanceOrder, type ExecutionOrder, UNCLAIMED } from '../../schemas/execution-order.ts';
import { isOfUnbegun, snapshotPlaceOf } from '../../schemas/execution-snapshot.ts';
import type { AgentEvent } from '../../schemas/records.ts';

export interface JournaledExecution {
  readonly order: ExecutionOrder;
  /** All events, or all from where the last snapshot begins; those of stale claims too: their costs count. Dropped at the end. */
  readonly events: readonly AgentEvent[];
  /** The last event that holds all of it; dropped at the end. */
  readonly snapshot: AgentEvent | null;
  /** What a successor must read from: its first event, or where its snapshot begins. */
  readonly readFrom: number;
  /** Of its task in freshet.tasks. */
  readonly taskOffset: number;
}

/** What became of an event when the log reached it. */
export type Standing = 'counts' | 'stale';

export interface JournalFold {
  /** Everything below is folded. */
  position(): number;
  /** Takes in what stands at an offset, in any order, any number of times; null: nothing of ours. */
  offer(offset: number, event: AgentEvent | null): void;
  execution(executionId: string): JournaledExecution | undefined;
  isEnded(executionId: string): boolean;
  /** Those that wait and are journaled whole, by offset of their task. */
  waiting(): readonly JournaledExecution[];
  /** Where to read from to know again every execution of a task at or above an offset (rule J). */
  pinnedAt(taskOffset: number): number;
  /** Forgets the executions of tasks below an offset, all finished but those that wait; of those that ended the id is kept. */
  forgetBelow(taskOffset: number): void;
  /** Forgets one that nobody goes on with. */
  forget(executionId: string): void;
}

interface Held extends JournaledExecution {
  order: ExecutionOrder;
  events: AgentEvent[];
  /** Of the events. */
  offsets: number[];
  snapshot: AgentEvent | null;
  readFrom: number;
  taskOffset: number;
  /** Its beginning lies before what was read; until all is read, a snapshot may still come. */
  beheaded: boolean;
}

/** Ended executions remembered by id, so that a task sent twice is not run twice. */
const MAX_ENDED = 50_000;

/**
 * `from`: the first offset that will be read. `restoredTo`: what is alive and began before `from` is known by a snapshot below
 * this offset; what comes above it of an execution that is not known says nothing any more.
 */
export const createJournalFold = (
  from: number,
  onFolded: (event: AgentEvent, standing: Standing) => void,
  restoredTo: number = from,
): JournalFold => {
  let position = from;
  let restored = from >= restoredTo;
  const ahead = new Map<number, AgentEvent | null>();
  const executions = new Map<string, Held>();
  const ended = new Set<string>();

  const rememberEnded = (executionId: string): void => {
    ended.add(executionId);
    if (ended.size <= MAX_ENDED) return;
    const [oldest] = ended;
    if (oldest !== undefined) ended.delete(oldest);
  };

  const hold = (offset: number, event: AgentEvent): Held | undefined => {
    const { executionId, type } = event;
    if (ended.has(executionId)) return undefined;
    const begins = type === 'user-input' || type === 'claim';
    if (!begins && restored) {
      // It was finished before what was read (rule J), and this is all that is left of it.
      if (type === 'response') rememberEnded(executionId);
      return undefined;
    }
    const held: Held = {
      order: UNCLAIMED,
      events: [],
      offsets: [],
      snapshot: null,
      readFrom: offset,
      taskOffset: -1,
      beheaded: !begins,
    };
    executions.set(executionId, held);
    return held;
  };

  /** No snapshot comes any more: what was not restored had ended before, or is another's word of what had. */
  const settle = (): void => {
    restored = true;
    for (const [executionId, { beheaded, order, events }] of executions) {
      if (!beheaded || order.hasInput) continue;
      executions.delete(executionId);
      if (events.some(({ type }) => type === 'response')) rememberEnded(executionId);
    }
  };

  /**
   * Whether an event holds all of its execution, nobody else having held it by then: everything from where its state ends was
   * read, and its own claim still stands after that. One that was believed dead has not read the claim that came after its own; so of
   * its snapshot either that claim stands in between, or what it begins from lies before what was read.
   */
  const isWhole = (execution: Held, offset: number, event: AgentEvent, counts: boolean): number | null => {
    const place = snapshotPlaceOf(event);
    if (!place || execution.order.ended) return null;
    const { from: begins } = place;
    // So many records cannot hold more ends than are remembered.
    if (begins < from || begins > offset || offset - begins > MAX_ENDED) return null;
    if (isOfUnbegun(event) ? execution.order.epoch === 0 : counts) return begins;
    if (restored || execution.snapshot) return null;
    let { order } = place;
    let stands = false;
    for (const [at, each] of execution.events.entries()) {
      if ((execution.offsets[at] ?? 0) < begins) continue;
      const next = advanceOrder(order, each);
      stands = next !== null;
      order = next ?? order;
    }
    if (!stands) return null;
    execution.order = order;
    return begins;
  };

  const restore = (execution: Held, begins: number, event: AgentEvent): void => {
    const first = execution.offsets.findIndex((offset) => offset >= begins);
    execution.events = execution.events.slice(first);
    execution.offsets = execution.offsets.slice(first);
    execution.snapshot = event;
    execution.readFrom = begins;
    execution.taskOffset = event.task?.offset ?? execution.taskOffset;
    execution.beheaded = false;
  };

  const fold = (offset: number, event: AgentEvent): void => {
    const execution = executions.get(event.executionId) ?? hold(offset, event);
    if (!execution) {
      onFolded(event, 'stale');
      return;
    }
    if (event.task && execution.taskOffset < 0) execution.taskOffset = event.task.offset;
    const order = advanceOrder(execution.order, event);
    execution.order = order ?? execution.order;
    execution.events.push(event);
    execution.offsets.push(offset);
    const begins = isWhole(execution, offset, event, order !== null);
    if (begins !== null) restore(execution, begins, event);
    if (execution.order.ended) Object.assign(execution, { events: [], offsets: [], snapshot: null });
    onFolded(event, order || begins !== null ? 'counts' : 'stale');
  };

  return {
    position: () => position,
    offer: (offset, event) => {
      if (offset < position || Number.isNaN(offset)) return;
      ahead.set(offset, event);
      while (ahead.has(position)) {
        const next = ahead.get(position);
        ahead.delete(position);
        position += 1;
        if (next) fold(position - 1, next);
        if (!restored && position >= restoredTo) settle();
      }
    },
    execution: (executionId) => executions.get(executionId),
    isEnded: (executionId) => ended.has(executionId) || executions.get(executionId)?.order.ended === true,
    waiting: () =>
      [...executions.values()]
        .filter(({ snapshot }) => snapshot !== null)
        .sort((a, b) => a.taskOffset - b.taskOffset),
    pinnedAt: (taskOffset) => {
      let pinned = position;
      for (const { taskOffset: at, snapshot, readFrom } of executions.values())
        if (at >= taskOffset || snapshot) pinned = Math.min(pinned, readFrom);
      return pinned;
    },
    forgetBelow: (taskOffset) => {
      for (const [executionId, { taskOffset: at, snapshot, order }] of executions) {
        if (at >= taskOffset || snapshot) continue;
        executions.delete(executionId);
        if (order.ended) rememberEnded(executionId);
      }
    },
    forget: (executionId) => {
      if (executions.get(executionId)?.order.ended === false) executions.delete(executionId);
    },
  };
};
