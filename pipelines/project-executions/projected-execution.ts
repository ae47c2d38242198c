/**
 * One execution as its projections see it, and what each event adds to them: job state, result, costs. Pure, keyed and
 * deterministic: projecting a stretch of the journal again writes the same records again (I2, I3).
 */
import {
  advanceCosts,
  type CallCost,
  changedCosts,
  type ExecutionCosts,
  NO_COSTS,
  totalUsd,
} from '../../schemas/execution-costs.ts';
import { advanceOrder, type ExecutionOrder, UNCLAIMED } from '../../schemas/execution-order.ts';
import { parseTerminalOutput, parseUserInput } from '../../schemas/execution-payloads.ts';
import { isOfUnbegun, snapshotFactsOf, snapshotPlaceOf } from '../../schemas/execution-snapshot.ts';
import { formatUsd } from '../../schemas/money.ts';
import type { AgentEvent, Cost, Result, Task, TaskState } from '../../schemas/records.ts';
import { executionIdOf, type RecordPlace, taskIdOf, taskTimeOf } from '../../schemas/task-identity.ts';

export interface ProjectedExecution {
  readonly order: ExecutionOrder;
  readonly costs: ExecutionCosts;
  readonly feature: string | null;
  /** Microseconds since the Unix epoch; 0 before they are known. */
  readonly createdAt: number;
  readonly startedAt: number;
}

export const UNSEEN: ProjectedExecution = {
  order: UNCLAIMED,
  costs: NO_COSTS,
  feature: null,
  createdAt: 0,
  startedAt: 0,
};

export type Projected =
  | { readonly name: 'TaskState'; readonly record: TaskState }
  | { readonly name: 'Result'; readonly record: Result }
  | { readonly name: 'Cost'; readonly record: Cost };

/** The execution after an event, and the records that the event makes. */
export const projectEvent = (
  execution: ProjectedExecution,
  event: AgentEvent,
): { readonly execution: ProjectedExecution; readonly records: readonly Projected[] } => {
  const order = advanceOrder(execution.order, event);
  const costs = advanceCosts(execution.costs, event, order !== null);
  const spent = changedCosts(execution.costs, event, order !== null)
    .filter((cost) => cost.state === 'settled' || cost.state === 'lost')
    .map((cost): Projected => ({ name: 'Cost', record: costOf(event, execution.feature, cost) }));
  if (order === null) return { execution: { ...execution, costs }, records: spent };

  const input = event.type === 'user-input' ? parseUserInput(event.input) : null;
  const isFirstClaim = event.type === 'claim' && execution.startedAt === 0;
  const next: ProjectedExecution = {
    order,
    costs,
    feature: input ? input.feature : execution.feature,
    createdAt: input ? input.createdAt : execution.createdAt,
    startedAt: isFirstClaim ? event.at : execution.startedAt,
  };
  if (isFirstClaim) return { execution: next, records: [...spent, stateOf(event, next, 'processing')] };
  if (event.type !== 'response') return { execution: next, records: spent };
  const result = resultOf(event, next);
  const state = result.outcome === 'completed' ? 'completed' : 'failed';
  return {
    execution: next,
    // The result before the state: who sees the state finds the result.
    records: [...spent, { name: 'Result', record: result }, stateOf(event, next, state)],
  };
};

/**
 * The execution from a snapshot on, the last of these events; null where it is not to be believed (decision 24): a higher claim stands
 * since its state ends, or it is no word of who held it. `since`: all events of the execution from there on.
 */
export const restoredExecution = (since: readonly AgentEvent[]): ProjectedExecution | null => {
  const snapshot = since.at(-1);
  const place = snapshot && snapshotPlaceOf(snapshot);
  if (!snapshot || !place) return null;
  const facts = snapshotFactsOf(snapshot) ?? UNSEEN;
  let execution: ProjectedExecution = { ...UNSEEN, ...facts, order: place.order };
  let stands = false;
  for (const event of since) {
    const { order } = execution;
    ({ execution } = projectEvent(execution, event));
    stands = execution.order !== order;
  }
  const isUnbegun = isOfUnbegun(snapshot) && execution.order.epoch === 0 && !execution.order.ended;
  return stands || isUnbegun ? execution : null;
};

/** What a task becomes before any worker has seen it. */
export const pendingState = (task: Task, place: RecordPlace): TaskState => {
  const taskId = taskIdOf(task, place);
  const createdAt = taskTimeOf(task, place);
  return {
    taskId,
    executionId: executionIdOf(taskId),
    agent: task.agent,
    tenant: task.tenant,
    state: 'pending',
    createdAt,
    updatedAt: createdAt,
  };
};

const stateOf = (
  { taskId, executionId, agent, tenant, at }: AgentEvent,
  { createdAt }: ProjectedExecution,
  state: TaskState['state'],
): Projected => ({
  name: 'TaskState',
  record: { taskId, executionId, agent, tenant, state, createdAt, updatedAt: at },
});

const resultOf = (event: AgentEvent, execution: ProjectedExecution): Result => {
  const { taskId, executionId, agent, behaviour, tenant, sessionId, error, at } = event;
  const terminal = parseTerminalOutput(event.output);
  return {
    taskId,
    executionId,
    agent,
    behaviour,
    tenant,
    sessionId,
    outcome: terminal?.outcome ?? 'failed',
    output: terminal && terminal.output !== null ? JSON.stringify(terminal.output) : null,
    error: error && { code: error.code, message: error.message },
    partial: terminal && terminal.partial !== null ? JSON.stringify(terminal.partial) : null,
    receipt: JSON.stringify(terminal?.receipt ?? {}),
    costUsd: formatUsd(totalUsd(execution.costs)),
    steps: terminal?.steps ?? 0,
    createdAt: execution.createdAt,
    startedAt: execution.startedAt,
    completedAt: at,
  };
};

const costOf = (event: AgentEvent, feature: string | null, cost: CallCost): Cost => ({
  costId: cost.costId,
  taskId: event.taskId,
  executionId: event.executionId,
  agent: event.agent,
  tenant: event.tenant,
  feature,
  tool: cost.tool,
  model: cost.model,
  step: cost.step,
  ...cost.usage,
  usd: cost.usd,
  priceTable: cost.priceTable,
  settled: cost.state === 'settled',
  kind: cost.tool === null ? 'model' : 'tool',
  outcome: cost.state === 'lost' ? 'lost' : cost.failed ? 'failed' : 'done',
  at: cost.at,
});
