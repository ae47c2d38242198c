/**
 * The whole state of an execution that waits for long, with its task: a `checkpoint` of the journal with this name. Whoever reads
 * from `from` on knows the execution by it alone, and needs neither the task's record nor what was journaled before (rule J).
 */
import { type ExecutionCosts, parseCosts } from './execution-costs.ts';
import type { ExecutionOrder } from './execution-order.ts';
import { isCheckpoint } from './execution-payloads.ts';
import type { AgentEvent, TaskParent } from './records.ts';

export const SNAPSHOT = 'snapshot';
/** Of one that says under its claim that from now on it only waits. */
export const WAITS = 'waits';

/** `input` of the event: small, so that it always stands in the event itself. */
export interface SnapshotPlace {
  /** Offset in this partition of the journal: the state is the fold of all events of the execution below it. */
  readonly from: number;
  /** Of the state. */
  readonly order: ExecutionOrder;
  /** Who waits for its end. */
  readonly parent?: TaskParent;
  /** Whose ends it waits for: they are to be cancelled though its state is lost. */
  readonly subtasks?: readonly SnapshotSubtask[];
}

/** Its task is `executionId:step`. */
export interface SnapshotSubtask {
  readonly step: number;
  /** Of the tool that hands it over. */
  readonly name: string;
}

/** A record of freshet.tasks, as it came. Bytes are base64. */
export interface SnapshotTask {
  readonly timestamp: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** `output` of the event. */
export interface SnapshotContent {
  readonly task: SnapshotTask;
  readonly state: unknown;
}

export const isSnapshot = (event: Pick<AgentEvent, 'type' | 'name'>): boolean =>
  isCheckpoint(event, SNAPSHOT);

/** Of a task that was not begun: it stands under no claim, and changes no state. */
export const isOfUnbegun = (event: Pick<AgentEvent, 'type' | 'name' | 'epoch'>): boolean =>
  isSnapshot(event) && event.epoch === 0;

/** Without what only whoever goes on from it looks at. */
export const withoutState = (event: AgentEvent): AgentEvent => ({
  ...event,
  output: null,
  outputPayload: null,
});

/** Null for every other event, and for what cannot be read: the journal can be written by anyone who reaches Kafka. */
export const snapshotPlaceOf = (event: AgentEvent): SnapshotPlace | null => {
  const place = isSnapshot(event) && event.task ? parseObject(event.input) : null;
  const order = place?.order as Partial<ExecutionOrder> | null | undefined;
  return Number.isSafeInteger(place?.from) &&
    typeof order?.epoch === 'number' &&
    typeof order.sequence === 'number'
    ? (place as unknown as SnapshotPlace)
    : null;
};

/** Null where the text is none. */
export const parseSnapshotContent = (text: string | null): SnapshotContent | null => {
  const { task, state } = parseObject(text) ?? {};
  return isSnapshotTask(task) && isObject(state) ? { task, state } : null;
};

const isTextOrNull = (value: unknown): boolean => value === null || typeof value === 'string';

const isSnapshotTask = (task: unknown): task is SnapshotTask =>
  isObject(task) &&
  Number.isSafeInteger(task.timestamp) &&
  isTextOrNull(task.key) &&
  isTextOrNull(task.value) &&
  isObject(task.headers) &&
  Object.values(task.headers).every((text) => typeof text === 'string');

/** What every fold of an execution needs of its state, below the place; null for every other event, and for one whose state is gone. */
export interface SnapshotFacts {
  readonly costs: ExecutionCosts;
  readonly feature: string | null;
  /** Microseconds since the Unix epoch; 0 where unknown. */
  readonly createdAt: number;
  readonly startedAt: number;
}

export const snapshotFactsOf = ({ output }: Pick<AgentEvent, 'output'>): SnapshotFacts | null => {
  const state = parseSnapshotContent(output)?.state as Readonly<Record<string, unknown>> | undefined;
  const costs = parseCosts(state?.costs);
  if (!state || !costs) return null;
  const { feature, createdAt } = isObject(state.input) ? state.input : {};
  return {
    costs,
    feature: typeof feature === 'string' ? feature : null,
    createdAt: momentOf(createdAt),
    startedAt: momentOf(state.startedAt),
  };
};

const momentOf = (value: unknown): number => (Number.isSafeInteger(value) ? Number(value) : 0);

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const parseObject = (text: string | null): Readonly<Record<string, unknown>> | null => {
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
};
