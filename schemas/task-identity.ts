/** The names a task goes by: whoever reads it from freshet.tasks comes to the same ones. */
import { createHash } from 'node:crypto';
import type { Task } from './records.ts';

export interface RecordPlace {
  readonly partition: number;
  readonly offset: number;
  /** Milliseconds since the Unix epoch. */
  readonly timestamp: number;
}

/** The task's own id, or one made of its place in freshet.tasks. */
export const taskIdOf = (task: Pick<Task, 'taskId'>, place: RecordPlace): string =>
  task.taskId !== null && task.taskId !== '' ? task.taskId : `task-${place.partition}-${place.offset}`;

/** One execution per task, whoever runs it and however often it is delivered (I2). */
export const executionIdOf = (taskId: string): string =>
  `execution-${createHash('sha256').update(taskId).digest('hex').slice(0, 24)}`;

/** When the task was made, microseconds since the Unix epoch. */
export const taskTimeOf = (task: Pick<Task, 'createdAt'>, place: RecordPlace): number =>
  task.createdAt > 0 ? task.createdAt : place.timestamp * 1_000;
