/** Waits for a task to end, as the read model sees it. */
import type { ExecutionEntry } from './read-models/execution-entry.ts';
import type { ExecutionList } from './read-models/execution-list.ts';

/** What is known of the task when it has ended, or after a while. */
export const untilEnded = (
  executions: ExecutionList,
  taskId: string,
  withinMs: number,
): Promise<ExecutionEntry | undefined> => {
  const now = executions.task(taskId);
  if (withinMs <= 0 || now?.result) return Promise.resolve(now);
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      stop();
      resolve(executions.task(taskId));
    };
    const timer = setTimeout(done, withinMs);
    const stop = executions.onChange((entry) => {
      if (entry.taskId === taskId && entry.result) done();
    });
  });
};
