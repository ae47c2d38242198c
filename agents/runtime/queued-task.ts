/** A task that was taken on, and the lanes it shares with others. */
import type { KafkaRecord } from '../../connectors/kafka/kafka.ts';
import type { AgentDefinition } from '../../schemas/agent-definition.ts';
import type { UserInput } from '../../schemas/execution-payloads.ts';
import { type TaskTrace, taskTraceOf } from '../../schemas/task-trace.ts';
import { TRACEPARENT } from '../../schemas/trace-context.ts';
import type { Identity } from './execution-journal.ts';
import type { ReadableTask } from './read-task.ts';
import type { Queued } from './task-queue.ts';

export interface QueuedTask extends Queued {
  readonly record: KafkaRecord;
  readonly read: ReadableTask;
  /** When it was taken on, microseconds since the Unix epoch. */
  readonly since: number;
  readonly trace: TaskTrace;
}

/** 0 to 9. */
const MAX_PRIORITY = 9;

/** `sampleRatio`: of tasks that come without a trace. */
export const queuedTaskOf = (
  record: KafkaRecord,
  read: ReadableTask,
  since: number,
  sampleRatio: number,
): QueuedTask => {
  const { sessionId: session, priority, notBefore, tenant } = read.task;
  return {
    offset: record.offset,
    tenant: tenant ?? '',
    // Of a record that went past the gateway: nobody goes before those who keep to the scale.
    priority: Math.min(MAX_PRIORITY, Math.max(0, priority)),
    notBefore: notBefore ?? 0,
    record,
    read,
    since,
    trace: taskTraceOf(record.headers[TRACEPARENT]?.toString('latin1'), read.executionId, sampleRatio),
    lanes: [
      `task ${read.taskId}`,
      // As a list: a tenant named `a b` with a session `c` shares none with a tenant `a` and its session `b c` (I9).
      ...(session === null ? [] : [`session ${JSON.stringify([tenant, session])}`]),
    ],
  };
};

/** By what it is drawn for one version of its agent or another. */
export const routedOf = ({ task: { agent, tenant, sessionId }, taskId }: ReadableTask) => ({
  ...{ agent, tenant, sessionId, taskId },
});

/** What the events of its execution carry. */
export const identityOf = (
  { task, taskId, executionId }: ReadableTask,
  worker: string,
  agent: AgentDefinition | null,
): Identity => ({
  executionId,
  taskId,
  agent: task.agent,
  behaviour: agent?.version ?? '',
  worker,
  tenant: task.tenant,
  sessionId: task.sessionId,
});

/** As it is journaled: the task's own words before what its agent says of all. */
export const inputOf = ({ input }: ReadableTask, agent: AgentDefinition | null): UserInput => ({
  ...input,
  feature: input.feature ?? agent?.feature ?? null,
});
