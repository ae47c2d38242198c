/** The tasks and executions of late, bounded in number and in bytes; the oldest are forgotten and found in Kafka again. */
import { EventEmitter } from 'node:events';
import { LRUCache } from 'lru-cache';
import { isSnapshot, withoutState } from '../../schemas/execution-snapshot.ts';
import type { AgentEvent, Result, Task } from '../../schemas/records.ts';
import { executionIdOf } from '../../schemas/task-identity.ts';
import {
  type ExecutionEntry,
  type JournaledEvent,
  newEntry,
  withEvent,
  withResult,
  withTask,
} from './execution-entry.ts';

export interface ExecutionFilter {
  readonly agent?: string;
  readonly state?: string;
  readonly tenant?: string;
  readonly limit: number;
}

export interface ExecutionList {
  /** `place`: in freshet.tasks, where it was read there. */
  addTask(taskId: string, task: Task, createdAt: number, place?: ExecutionEntry['place']): void;
  /** Returns the entry after the event, and whether the event counted. `ends`: the event with task and answer whole (wholeEnds). */
  addEvent(
    event: AgentEvent,
    place: { readonly partition: number; readonly offset: number },
    ends?: AgentEvent,
  ): { readonly entry: ExecutionEntry; readonly counts: boolean };
  /** Of a task that nothing else is known of; of any other, its events tell more. */
  addResult(result: Result): void;
  /** Tasks of which nothing is known but that they were sent. */
  unbegun(): readonly ExecutionEntry[];
  task(taskId: string): ExecutionEntry | undefined;
  execution(executionId: string): ExecutionEntry | undefined;
  /** Undefined where they were forgotten. */
  events(executionId: string): readonly JournaledEvent[] | undefined;
  /** Newest first. */
  list(filter: ExecutionFilter): readonly ExecutionEntry[];
  onChange(listener: (entry: ExecutionEntry) => void): () => void;
  clear(): void;
}

export interface ExecutionListLimits {
  readonly entries: number;
  readonly entryBytes: number;
  readonly eventBytes: number;
}

const LIMITS: ExecutionListLimits = {
  entries: 5_000,
  entryBytes: 48 * 1024 * 1024,
  eventBytes: 64 * 1024 * 1024,
};
const OVERHEAD_BYTES = 600;
/** Of one execution; its caps keep it far below, unless someone writes to the journal by hand. */
const MAX_EVENTS = 2_000;

const sizeOfEntry = ({ input, result }: ExecutionEntry): number =>
  OVERHEAD_BYTES + input.length + (result ? JSON.stringify(result).length : 0);
const sizeOfEvents = (events: readonly JournaledEvent[]): number =>
  events.reduce(
    (sum, { event: { input, output, inputPayload, outputPayload } }) =>
      sum +
      OVERHEAD_BYTES +
      (input ?? inputPayload?.glance ?? '').length +
      (output ?? outputPayload?.glance ?? '').length,
    1,
  );

export const createExecutionList = (limits: ExecutionListLimits = LIMITS): ExecutionList => {
  const entries = new LRUCache<string, ExecutionEntry>({
    max: limits.entries,
    maxSize: limits.entryBytes,
    sizeCalculation: sizeOfEntry,
  });
  const events = new LRUCache<string, readonly JournaledEvent[]>({
    max: limits.entries,
    maxSize: limits.eventBytes,
    sizeCalculation: sizeOfEvents,
  });
  const changes = new EventEmitter().setMaxListeners(0);
  /** The first offset that was read of each partition of the journal. */
  const begins = new Map<number, number>();
  const put = (entry: ExecutionEntry): void => {
    entries.set(entry.executionId, entry);
    changes.emit('change', entry);
  };

  return {
    addTask: (taskId, task, createdAt, place = null) => {
      const known = entries.get(executionIdOf(taskId));
      const next = withTask(known ?? newEntry(taskId), task, createdAt);
      const placed = place ? { ...next, place: { partition: place.partition, offset: place.offset } } : next;
      if (next !== known) put(placed);
      // Nobody is told: it looks as before.
      else if (place) entries.set(next.executionId, placed);
    },
    addEvent: (event, { partition, offset }, ends = event) => {
      // The id follows from the task's, whatever the event says (I2).
      const executionId = executionIdOf(event.taskId);
      const known = entries.get(executionId) ?? newEntry(event.taskId);
      const readFrom = begins.get(partition) ?? offset;
      begins.set(partition, readFrom);
      const kept = events.get(executionId);
      const after = withEvent(known, ends, { partition, offset }, { readFrom, before: kept ?? [] });
      if (kept && kept.length >= MAX_EVENTS) events.delete(executionId);
      else if (kept || known.first === null)
        events.set(executionId, [
          ...(kept ?? []),
          { partition, offset, event: isSnapshot(event) ? withoutState(event) : event, counts: after.counts },
        ]);
      put(after.entry);
      return after;
    },
    addResult: (result) => {
      const known = entries.get(executionIdOf(result.taskId));
      if (known && isUnbegun(known)) put(withResult(known, result));
    },
    unbegun: () => [...entries.values()].filter((entry) => isUnbegun(entry) && !entry.waits),
    task: (taskId) => entries.get(executionIdOf(taskId)),
    execution: (executionId) => entries.get(executionId),
    events: (executionId) => {
      const entry = entries.peek(executionId);
      return entry?.first && !entry.incomplete ? events.get(executionId) : undefined;
    },
    list: ({ agent, state, tenant, limit }) => {
      const found: ExecutionEntry[] = [];
      for (const entry of entries.values()) {
        if (agent !== undefined && entry.agent !== agent) continue;
        if (state !== undefined && entry.state !== state) continue;
        if (tenant !== undefined && entry.tenant !== tenant) continue;
        found.push(entry);
      }
      return found.sort((a, b) => timeOf(b) - timeOf(a)).slice(0, limit);
    },
    onChange: (listener) => {
      changes.on('change', listener);
      return () => changes.off('change', listener);
    },
    clear: () => {
      begins.clear();
      entries.clear();
      events.clear();
    },
  };
};

const isUnbegun = ({ hasTask, first, result }: ExecutionEntry): boolean =>
  hasTask && first === null && result === null;

const timeOf = (entry: ExecutionEntry): number => entry.createdAt || entry.startedAt || entry.updatedAt;
