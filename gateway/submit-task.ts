/** Takes a task on: once per idempotency key, and acknowledged only when Kafka has it (I2). */

import { randomUUID } from 'node:crypto';
import type { RecordWriter } from '../connectors/kafka/record-writer.ts';
import type { RecordCodec } from '../connectors/registry/record-codec.ts';
import { hashOf } from '../schemas/canonical-json.ts';
import type { Clock } from '../schemas/clock.ts';
import { cloudEventHeaders } from '../schemas/cloud-event.ts';
import { FreshetError } from '../schemas/errors.ts';
import type { Task } from '../schemas/records.ts';
import { executionIdOf } from '../schemas/task-identity.ts';
import { taskTraceparentOf } from '../schemas/task-trace.ts';
import { TOPICS } from '../schemas/topics.ts';
import { TRACEPARENT } from '../schemas/trace-context.ts';
import type { ExecutionList } from './read-models/execution-list.ts';

/** When it is worked on: at once and in its turn where left out. Times in microseconds since the Unix epoch. */
export type TaskTiming = Pick<Task, 'priority' | 'notBefore' | 'deadlineAt'>;

export interface TaskToSubmit
  extends Pick<Task, 'agent' | 'input' | 'sessionId' | 'feature' | 'budget' | 'freshness' | 'fork'>,
    Partial<TaskTiming> {
  readonly tenant: string;
  readonly principal: string;
}

/**
 * Resolves once Kafka has it under this id, however often it is sent. `traceparent`: of whoever sent it; what is none is left out. Errors: `conflict` (another
 * task under the same key), `append-failed`, `too-many-requests`.
 */
export type SubmitTask = (
  task: TaskToSubmit,
  taskId: string,
  traceparent: string | undefined,
) => Promise<void>;

const ACKNOWLEDGED_WITHIN_MS = 15_000;

export const AT_ONCE: TaskTiming = { priority: 0, notBefore: null, deadlineAt: null };
const PLAIN_TASK = { ...AT_ONCE, parent: null, fork: null } as const;

/** The same key of the same tenant is the same task, on every gateway and after every restart. */
export const taskIdOfKey = (tenant: string, idempotencyKey: string): string =>
  `task-${hashOf([tenant, idempotencyKey]).slice(0, 32)}`;

/** Of a task that was sent without a key: it is no other. */
export const newTaskId = (): string => `task-${randomUUID()}`;

/** What its partition follows from. */
export const taskKeyOf = (taskId: string, sessionId: string | null): string => sessionId ?? taskId;

/** What makes two requests under one key the same. */
const contentOf = ({
  agent,
  input,
  sessionId,
  feature,
  budget,
  freshness,
  fork,
  priority = 0,
  notBefore = null,
  deadlineAt = null,
}: Omit<TaskToSubmit, 'tenant' | 'principal'>): string =>
  hashOf({
    ...{ agent, input, sessionId, feature, budget },
    ...(freshness ? { freshness: { ...freshness } } : {}),
    ...(fork ? { fork: { ...fork } } : {}),
    ...{ priority, notBefore, deadlineAt },
  });

export const createSubmitTask = (settings: {
  readonly writer: RecordWriter;
  readonly codec: RecordCodec;
  readonly executions: ExecutionList;
  readonly clock: Clock;
  /** Of tasks that come without a trace. */
  readonly sampleRatio: number;
}): SubmitTask => {
  const { writer, codec, executions, clock, sampleRatio } = settings;
  const underway = new Map<string, { readonly content: string; readonly appended: Promise<unknown> }>();

  const conflict = (): FreshetError =>
    new FreshetError('conflict', 'another task was sent under this Idempotency-Key; use a new one');

  const append = async (taskId: string, record: Task, traceparent: string | undefined): Promise<void> => {
    await writer.append([
      {
        topic: TOPICS.tasks.name,
        key: taskKeyOf(taskId, record.sessionId),
        value: codec.encode('Task', record),
        headers: {
          ...cloudEventHeaders({
            id: taskId,
            type: 'freshet.task',
            source: 'freshet/gateway',
            at: record.createdAt,
          }),
          [TRACEPARENT]: taskTraceparentOf(traceparent, executionIdOf(taskId), sampleRatio),
        },
      },
    ]);
    executions.addTask(taskId, record, record.createdAt);
  };

  return async (task, taskId, traceparent) => {
    const content = contentOf(task);
    const known = executions.task(taskId);
    if (known?.hasTask) {
      if (contentOf(known) !== content) throw conflict();
      return;
    }
    const twin = underway.get(taskId);
    if (twin && twin.content !== content) throw conflict();
    const appended =
      twin?.appended ?? append(taskId, { ...PLAIN_TASK, ...task, taskId, createdAt: clock() }, traceparent);
    if (!twin) {
      underway.set(taskId, { content, appended });
      appended.finally(() => underway.delete(taskId)).catch(() => undefined);
    }
    await within(appended, ACKNOWLEDGED_WITHIN_MS);
  };
};

const within = async (appended: Promise<unknown>, ms: number): Promise<void> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const why =
        'Kafka has not acknowledged the task yet, it may still; send it again under the same Idempotency-Key';
      reject(new FreshetError('append-failed', why));
    }, ms);
  });
  try {
    await Promise.race([appended, late]);
  } finally {
    clearTimeout(timer);
  }
};
