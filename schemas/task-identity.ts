/** The names a task goes by: whoever reads it from freshet.tasks comes to the same ones. */
import { createHash } from 'node:crypto';
import type { Task } from './records.ts';

export interface RecordPlace {
  readonly partition: number;
  readonly offset: number;
  /** Milliseconds since the Unix epoch. */
  readonly timestamp: number;
}

/** A longer one names nothing: it would stand in key, header and value of every record that is made of its task. */
export const MAX_TASK_ID_CHARACTERS = 256;

/** The task's own id, or one made of its place in freshet.tasks where it has none, or one that is too long. */
export const taskIdOf = (task: Pick<Task, 'taskId'>, { partition, offset }: RecordPlace): string =>
  task.taskId === null || task.taskId === '' || isTooLong(task.taskId)
    ? `task-${partition}-${offset}`
    : task.taskId;

const isTooLong = (taskId: string): boolean => taskId.length > MAX_TASK_ID_CHARACTERS;

/** Why a task under an id that is too long is not begun: whoever sent it does not know it by any other. Null: its id is none of those. */
export const wrongIdOf = ({ taskId }: Pick<Task, 'taskId'>): string | null =>
  taskId !== null && isTooLong(taskId)
    ? `its taskId has ${taskId.length} characters, over ${MAX_TASK_ID_CHARACTERS}; send it under a shorter one`
    : null;

/** One execution per task, whoever runs it and however often it is delivered (I2). */
export const executionIdOf = (taskId: string): string =>
  `execution-${createHash('sha256').update(taskId).digest('hex').slice(0, 24)}`;

/** When the task was made, microseconds since the Unix epoch. */
export const taskTimeOf = (task: Pick<Task, 'createdAt'>, place: RecordPlace): number =>
  task.createdAt > 0 ? task.createdAt : place.timestamp * 1_000;
