/**
 * What the gateway knows of one task and its execution: the task as it came, and a fold of its journal events. Pure;
 * the fold is the one that the worker and the projection share, so that all of them tell the same story.
 */
import { advanceCosts, type ExecutionCosts, NO_COSTS, totalUsd } from '../../schemas/execution-costs.ts';
import { advanceOrder, type ExecutionOrder, UNCLAIMED } from '../../schemas/execution-order.ts';
import { type Outcome, parseTerminalOutput, parseUserInput } from '../../schemas/execution-payloads.ts';
import {
  isOfUnbegun,
  isSnapshot,
  type SnapshotFacts,
  snapshotFactsOf,
  snapshotPlaceOf,
} from '../../schemas/execution-snapshot.ts';
import { jsonOrText } from '../../schemas/json-or-text.ts';
import { formatUsd } from '../../schemas/money.ts';
import type { AgentEvent, Result, Task, TaskState } from '../../schemas/records.ts';
import { executionIdOf } from '../../schemas/task-identity.ts';

export type JobState = 'pending' | 'processing' | 'completed' | 'failed';

/** An event where it stands in the journal, and whether it counts in the order of claims. */
export interface JournaledEvent {
  readonly partition: number;
  readonly offset: number;
  readonly event: AgentEvent;
  readonly counts: boolean;
}

export interface TerminalResult {
  readonly outcome: Outcome;
  readonly output: unknown;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly partial: unknown;
  readonly receipt: unknown;
}

export interface ExecutionEntry {
  readonly taskId: string;
  readonly executionId: string;
  readonly agent: string;
  readonly behaviour: string | null;
  readonly worker: string | null;
  readonly tenant: string | null;
  readonly sessionId: string | null;
  readonly feature: string | null;
  /** What its cost is counted under: the feature that it named, or else its agent's. */
  readonly countedUnder: string | null;
  readonly input: string;
  readonly budget: Task['budget'];
  readonly freshness: Task['freshness'];
  readonly fork: Task['fork'];
  readonly priority: Task['priority'];
  readonly notBefore: Task['notBefore'];
  readonly deadlineAt: Task['deadlineAt'];
  /** The task was read from freshet.tasks, or acknowledged to this gateway. */
  readonly hasTask: boolean;
  /** Where it stands in freshet.tasks, as it was read last. */
  readonly place: { readonly partition: number; readonly offset: number } | null;
  /** A snapshot says that it waits to be begun: its worker goes on from that, past its record in freshet.tasks. */
  readonly waits: boolean;
  readonly state: JobState;
  readonly order: ExecutionOrder;
  readonly costs: ExecutionCosts;
  readonly costUsd: string;
  readonly steps: number;
  readonly result: TerminalResult | null;
  /** The first event that was read is not the first of the execution: look in Kafka for the rest. */
  readonly incomplete: boolean;
  /** Its order is that of a snapshot and what came after it: known from there on, however much is missing before. */
  readonly restored: boolean;
  /** Where its first event stands that was read. */
  readonly first: { readonly partition: number; readonly offset: number } | null;
  /** Microseconds since the Unix epoch, 0 where unknown. */
  readonly createdAt: number;
  readonly startedAt: number;
  readonly updatedAt: number;
  readonly completedAt: number;
}

export const newEntry = (taskId: string): ExecutionEntry => ({
  taskId,
  executionId: executionIdOf(taskId),
  agent: '',
  behaviour: null,
  worker: null,
  tenant: null,
  sessionId: null,
  feature: null,
  countedUnder: null,
  input: '',
  budget: null,
  freshness: null,
  fork: null,
  priority: 0,
  notBefore: null,
  deadlineAt: null,
  hasTask: false,
  place: null,
  waits: false,
  state: 'pending',
  order: UNCLAIMED,
  costs: NO_COSTS,
  costUsd: '0',
  steps: 0,
  result: null,
  incomplete: false,
  restored: false,
  first: null,
  createdAt: 0,
  startedAt: 0,
  updatedAt: 0,
  completedAt: 0,
});

/** The entry once its task is known. Of two tasks of one id the first counts, as for the worker. */
export const withTask = (entry: ExecutionEntry, task: Task, createdAt: number): ExecutionEntry =>
  entry.hasTask
    ? entry
    : {
        ...entry,
        hasTask: true,
        agent: task.agent,
        tenant: task.tenant,
        sessionId: task.sessionId,
        feature: task.feature,
        input: task.input,
        budget: task.budget,
        freshness: task.freshness,
        fork: task.fork,
        priority: task.priority,
        notBefore: task.notBefore,
        deadlineAt: task.deadlineAt,
        createdAt,
        updatedAt: Math.max(entry.updatedAt, createdAt),
      };

/** What was read of its partition before an event. */
export interface ReadBefore {
  /** The offset from which every record was read. */
  readonly readFrom: number;
  /** The execution's events, as far as they are kept. */
  readonly before: readonly JournaledEvent[];
}

/** The entry after an event of the journal, and whether the event counted. */
export const withEvent = (
  entry: ExecutionEntry,
  event: AgentEvent,
  place: { readonly partition: number; readonly offset: number },
  read: ReadBefore = { readFrom: 0, before: [] },
): { readonly entry: ExecutionEntry; readonly counts: boolean } => {
  // Nobody has begun it: it is as pending as before.
  if (isOfUnbegun(event)) return { entry: { ...ofWhom(entry, event), waits: true }, counts: false };
  const begins = event.type === 'user-input' || event.type === 'claim';
  const incomplete = entry.incomplete || (entry.first === null && !begins);
  const restored = restoredOrder(entry, event, read);
  const known = !incomplete || entry.restored;
  // Without its beginning the order of claims is not known: take the events as they come.
  const order = restored ?? (known ? advanceOrder(entry.order, event) : withoutBeginning(entry.order, event));
  const counts = order !== null && (restored !== null || known || !entry.order.ended);
  const before = withFacts(ofWhom(entry, event), restored && snapshotFactsOf(event));
  const costs = advanceCosts(before.costs, event, counts);
  const next = {
    ...before,
    incomplete,
    restored: entry.restored || restored !== null,
    costs,
    costUsd: costs === entry.costs ? entry.costUsd : formatUsd(totalUsd(costs)),
    first: entry.first ?? { partition: place.partition, offset: place.offset },
  };
  if (!counts || order === null) return { entry: next, counts: false };
  return { entry: { ...next, order, ...changesOf(next, event) }, counts: true };
};

/** Whose it is, where nothing else is known of it. */
const ofWhom = (entry: ExecutionEntry, { agent, tenant, sessionId, at }: AgentEvent): ExecutionEntry =>
  entry.hasTask || entry.first !== null ? entry : { ...entry, agent, tenant, sessionId, updatedAt: at };

/** With what a snapshot says of what came before it. What was read since says more of its calls. */
const withFacts = (entry: ExecutionEntry, facts: SnapshotFacts | null): ExecutionEntry =>
  facts === null
    ? entry
    : {
        ...entry,
        feature: entry.hasTask ? entry.feature : facts.feature,
        countedUnder: entry.countedUnder ?? facts.feature,
        costs: new Map([...facts.costs, ...entry.costs]),
        createdAt: entry.createdAt || facts.createdAt,
        startedAt: facts.startedAt || entry.startedAt,
      };

/** Who held it last is known, as a higher claim is always the newer one. */
const withoutBeginning = (order: ExecutionOrder, event: AgentEvent): ExecutionOrder | null =>
  // Of a snapshot that is not to be believed nothing is.
  isSnapshot(event)
    ? null
    : {
        ...order,
        epoch: event.type === 'claim' ? Math.max(order.epoch, event.epoch) : order.epoch,
        ended: order.ended || event.type === 'response',
      };

/**
 * The order that the first snapshot of an execution comes to, where it is to be believed (decision 24): everything from where its state
 * ends was read, and its claim still stands after that. One that was believed dead has not read the claim that came after its own, so that
 * claim was read here, or the state ends before what was read.
 */
const restoredOrder = (
  { order, restored, incomplete }: ExecutionEntry,
  event: AgentEvent,
  { readFrom, before }: ReadBefore,
): ExecutionOrder | null => {
  const place = restored ? null : snapshotPlaceOf(event);
  if (!place || place.from < readFrom || place.order.epoch < order.epoch) return null;
  // Known from its beginning, it has ended.
  if (order.ended && !incomplete && order.epoch === place.order.epoch) return null;
  const since = before.filter(({ offset }) => offset >= place.from).map((each) => each.event);
  let known = place.order;
  for (const each of since) known = advanceOrder(known, each) ?? known;
  return advanceOrder(known, event);
};

const changesOf = (entry: ExecutionEntry, event: AgentEvent): Partial<ExecutionEntry> => {
  const { agent, behaviour, tenant, sessionId, at: updatedAt } = event;
  const steps = Math.max(entry.steps, event.type === 'response' ? entry.steps : event.step);
  const base = { agent, tenant, sessionId, updatedAt, steps };
  if (event.type === 'user-input') {
    const input = parseUserInput(event.input);
    return {
      ...base,
      countedUnder: input?.feature ?? null,
      fork: entry.fork ?? input?.fork ?? null,
      ...(entry.hasTask || !input
        ? {}
        : {
            input: input.text,
            feature: input.feature,
            budget: input.budget,
            freshness: input.freshness ?? null,
            createdAt: input.createdAt,
          }),
    };
  }
  if (event.type === 'claim')
    return {
      ...base,
      behaviour,
      worker: event.worker,
      state: 'processing',
      startedAt: entry.startedAt === 0 ? event.at : entry.startedAt,
    };
  if (event.type === 'response') {
    const terminal = parseTerminalOutput(event.output);
    const outcome = terminal?.outcome ?? (event.error ? 'failed' : 'completed');
    return {
      ...base,
      behaviour,
      state: outcome === 'completed' ? 'completed' : 'failed',
      completedAt: event.at,
      result: {
        outcome,
        output: terminal?.output ?? null,
        error: event.error && { code: event.error.code, message: event.error.message },
        partial: terminal?.partial ?? null,
        receipt: terminal?.receipt ?? null,
      },
    };
  }
  return { ...base, behaviour, state: 'processing' };
};

/** The entry of a task that has not ended, of which so many came after it that the rest is forgotten. */
export const entryOfState = ({
  taskId,
  agent,
  tenant,
  state,
  createdAt,
  updatedAt,
}: TaskState): ExecutionEntry => ({
  ...newEntry(taskId),
  ...{ agent, tenant, state, createdAt, updatedAt, incomplete: true },
});

/** A task of which only the result is known, with what it asked for. */
export const withResult = (entry: ExecutionEntry, result: Result): ExecutionEntry => {
  const { feature, input, budget, freshness, fork, priority, notBefore, deadlineAt, hasTask } = entry;
  const asked = { feature, input, budget, freshness, fork, priority, notBefore, deadlineAt };
  return { ...entryOfResult(result), ...asked, hasTask };
};

/** The entry of a task that is known from its result alone. */
export const entryOfResult = (result: Result): ExecutionEntry => ({
  ...newEntry(result.taskId),
  agent: result.agent,
  behaviour: result.behaviour,
  tenant: result.tenant,
  sessionId: result.sessionId,
  state: result.outcome === 'completed' ? 'completed' : 'failed',
  costUsd: result.costUsd,
  steps: result.steps,
  incomplete: true,
  restored: false,
  result: {
    outcome: result.outcome,
    output: jsonOrText(result.output),
    error: result.error,
    partial: jsonOrText(result.partial),
    receipt: jsonOrText(result.receipt),
  },
  createdAt: result.createdAt,
  startedAt: result.startedAt,
  updatedAt: result.completedAt,
  completedAt: result.completedAt,
});
