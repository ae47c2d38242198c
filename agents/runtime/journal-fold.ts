/**
 * One partition of the journal as its owner knows it: folded strictly in log order, from records read and from own
 * records whose place Kafka acknowledged. A place acknowledged to us next to what is known needs no reading back:
 * nobody else wrote between. Pure but for being kept in place, as it is on the path of every step.
 */
import { advanceOrder, type ExecutionOrder, UNCLAIMED } from '../../schemas/execution-order.ts';
import type { AgentEvent } from '../../schemas/records.ts';

export interface JournaledExecution {
  readonly order: ExecutionOrder;
  /** All events, those of stale claims too: their costs count. Dropped at the end. */
  readonly events: readonly AgentEvent[];
  /** Of its first event. */
  readonly firstOffset: number;
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
  /** Where to read from to know again every execution of a task at or above an offset (rule J). */
  pinnedAt(taskOffset: number): number;
  /** Forgets the executions of tasks below an offset, all finished; of those that ended the id is kept. */
  forgetBelow(taskOffset: number): void;
}

interface Held extends JournaledExecution {
  order: ExecutionOrder;
  events: AgentEvent[];
  taskOffset: number;
}

/** Ended executions remembered by id, so that a task sent twice is not run twice. */
const MAX_ENDED = 50_000;

export const createJournalFold = (
  from: number,
  onFolded: (event: AgentEvent, standing: Standing) => void,
): JournalFold => {
  let position = from;
  const ahead = new Map<number, AgentEvent | null>();
  const executions = new Map<string, Held>();
  const ended = new Set<string>();

  const rememberEnded = (executionId: string): void => {
    ended.add(executionId);
    if (ended.size <= MAX_ENDED) return;
    const [oldest] = ended;
    if (oldest !== undefined) ended.delete(oldest);
  };

  const fold = (offset: number, event: AgentEvent): void => {
    const { executionId } = event;
    let execution = executions.get(executionId);
    if (!execution) {
      if (ended.has(executionId)) {
        onFolded(event, 'stale');
        return;
      }
      if (event.type !== 'user-input' && event.type !== 'claim') {
        // Its beginning lies before what was read: it was finished then (rule J), and this is all that is left of it.
        if (event.type === 'response') rememberEnded(executionId);
        onFolded(event, 'stale');
        return;
      }
      execution = { order: UNCLAIMED, events: [], firstOffset: offset, taskOffset: -1 };
      executions.set(executionId, execution);
    }
    if (event.task && execution.taskOffset < 0) execution.taskOffset = event.task.offset;
    const order = advanceOrder(execution.order, event);
    if (order) execution.order = order;
    if (execution.order.ended) execution.events = [];
    else execution.events.push(event);
    onFolded(event, order ? 'counts' : 'stale');
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
      }
    },
    execution: (executionId) => executions.get(executionId),
    isEnded: (executionId) => ended.has(executionId) || executions.get(executionId)?.order.ended === true,
    pinnedAt: (taskOffset) => {
      let pinned = position;
      for (const execution of executions.values()) {
        if (execution.taskOffset >= taskOffset) pinned = Math.min(pinned, execution.firstOffset);
      }
      return pinned;
    },
    forgetBelow: (taskOffset) => {
      for (const [executionId, execution] of executions) {
        if (execution.taskOffset >= taskOffset) continue;
        executions.delete(executionId);
        if (execution.order.ended) rememberEnded(executionId);
      }
    },
  };
};
