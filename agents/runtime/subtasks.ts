/**
 * Tasks that an execution hands to other agents, and how it hears that they have ended. A sub-task has the id
 * `executionId:step`, so handing it over twice is the same task. Its worker tells the parent before it ends, by an event in the
 * parent's own partition of the journal: whoever holds the parent, then or later, finds it there.
 */
import type { RecordWriter } from '../../connectors/kafka/record-writer.ts';
import { isTooLarge, type PayloadWriter } from '../../connectors/payloads/payload-writer.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import type { Clock } from '../../schemas/clock.ts';
import { cloudEventHeaders } from '../../schemas/cloud-event.ts';
import { signalRecord } from '../../schemas/control-signals.ts';
import { DELEGATED } from '../../schemas/execution-costs.ts';
import type { TerminalOutput, UserInput } from '../../schemas/execution-payloads.ts';
import type { AgentEvent, Task, TaskParent } from '../../schemas/records.ts';
import { executionIdOf } from '../../schemas/task-identity.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { TRACEPARENT } from '../../schemas/trace-context.ts';
import { type EventDraft, eventOf, type Identity } from './execution-journal.ts';
import type { ExecutionState, Subtask } from './execution-state.ts';
import { journalHeadersOf } from './journal-headers.ts';
import { subtaskIdOf } from './subtask-id.ts';

export interface Subtasks {
  /** Resolves when Kafka has the task. `traceparent`: of the step that hands it over. Errors: `append-failed`. */
  submit(task: Task, taskId: string, traceparent: string): Promise<void>;
  /** Resolves when the parent's journal has it. `traceparent`: of the parent. Errors: `append-failed`. */
  tellParent(parent: TaskParent, child: Identity, ended: SubtaskEnded, traceparent: string): Promise<void>;
  /** They are to stop, as nobody waits for them any more; asked twice is asked once. Errors: `append-failed`. */
  cancel(subtasks: readonly Subtask[], parent: Identity, why: string): Promise<void>;
}

/** What a parent is told. */
export interface SubtaskEnded {
  readonly output: TerminalOutput['output'];
  readonly error: AgentEvent['error'];
  /** All that it cost, its own sub-tasks included. */
  readonly costUsd: string;
}

const TOLD = 'subtask-ended';

export const subtaskOf = (
  of: {
    readonly identity: Identity;
    readonly input: UserInput;
    readonly partition: number;
    readonly tenant: string;
    readonly now: number;
  },
  { agent, step, text, maxUsd }: { agent: string; step: number; text: string; maxUsd: string },
): Task => ({
  agent,
  input: text,
  taskId: subtaskIdOf(of.identity.executionId, step),
  tenant: of.tenant,
  principal: of.input.principal,
  sessionId: null,
  feature: of.input.feature,
  budget: { maxUsd, maxSteps: null },
  freshness: of.input.freshness ?? null,
  createdAt: of.now,
  // Or its parent, urgent as it is, would wait for it behind all that is less so.
  priority: of.input.priority ?? 0,
  notBefore: null,
  deadlineAt: of.input.deadlineAt ?? null,
  parent: {
    taskId: of.identity.taskId,
    executionId: of.identity.executionId,
    agent: of.identity.agent,
    partition: of.partition,
    step,
    depth: (of.input.parent?.depth ?? 0) + 1,
  },
  fork: null,
});

/** What an execution journals when it has heard of a sub-task's end; null while it has not. */
export const heardOf = (subtask: Subtask, events: readonly AgentEvent[]): EventDraft | null => {
  const told = events.find(
    ({ type, name, epoch, idempotencyKey }) =>
      type === 'checkpoint' && name === TOLD && epoch === 0 && idempotencyKey === subtask.taskId,
  );
  if (!told) return null;
  const { output, outputPayload, error, costUsd } = told;
  return {
    type: 'tool-call',
    step: subtask.step,
    name: subtask.call.name,
    output,
    outputPayload,
    error,
    costUsd,
    priceTable: DELEGATED,
    idempotencyKey: subtask.taskId,
  };
};

/** The first sub-task that has ended and is not journaled so. */
export const nextHeard = (state: ExecutionState, events: readonly AgentEvent[]): EventDraft | null => {
  for (const subtask of state.subtasks) {
    const heard = heardOf(subtask, events);
    if (heard) return heard;
  }
  return null;
};

export const openSubtasks = (settings: {
  readonly codec: RecordCodec;
  readonly writer: RecordWriter;
  readonly payloads: Pick<PayloadWriter, 'setAside'>;
  readonly clock: Clock;
}): Subtasks => {
  const { codec, writer, payloads, clock } = settings;
  const headers = (id: string, type: string) =>
    cloudEventHeaders({ id, type, source: 'freshet/agents', at: clock() });
  return {
    submit: async (task, taskId, traceparent) => {
      await writer.append([
        {
          topic: TOPICS.tasks.name,
          key: taskId,
          value: codec.encode('Task', task),
          headers: { ...headers(taskId, 'freshet.task'), [TRACEPARENT]: traceparent },
        },
      ]);
    },
    tellParent: async (parent, child, { output, error, costUsd }, traceparent) => {
      const identity = {
        ...child,
        executionId: parent.executionId,
        taskId: parent.taskId,
        agent: parent.agent,
        sessionId: null,
      };
      const said: EventDraft = {
        type: 'checkpoint',
        name: TOLD,
        step: parent.step,
        output: JSON.stringify(output),
        error,
        costUsd,
        priceTable: DELEGATED,
        idempotencyKey: child.taskId,
      };
      const made = eventOf(identity, said, { epoch: 0, sequence: 0 }, clock());
      const event = isTooLarge(made) ? await payloads.setAside(made, parent.partition) : made;
      await writer.append([
        {
          topic: TOPICS.agentEvents.name,
          partition: parent.partition,
          key: parent.taskId,
          value: codec.encode('AgentEvent', event),
          headers: {
            ...journalHeadersOf(event, traceparent),
            ...headers(`${child.taskId}:ended`, 'freshet.agent-event.checkpoint'),
          },
        },
      ]);
    },
    cancel: async (subtasks, { agent, taskId: of }, why) => {
      if (subtasks.length === 0) return;
      const at = clock();
      await writer.append(
        subtasks.map(({ taskId }) => {
          const asked = { by: `agent ${agent}`, reason: `${of}, which waited for it, ended: ${why}`, at };
          const id = `${taskId}:cancel`;
          const { key, control } = signalRecord(
            { kind: 'cancel', taskId, executionId: executionIdOf(taskId), ...asked },
            id,
          );
          const value = codec.encode('Control', control);
          return { topic: TOPICS.control.name, key, value, headers: headers(id, 'freshet.control') };
        }),
      );
    },
  };
};
