/** What people thought of answers: of one person about one task the newest. Bounded by tasks; read again, it comes out the same. */
import { LRUCache } from 'lru-cache';
import type { Feedback } from '../../schemas/records.ts';

export interface FeedbackList {
  add(feedback: Feedback): void;
  /** About this task, the newest first. */
  of(taskId: string): readonly Feedback[];
  clear(): void;
}

const MAX_TASKS = 20_000;
const MAX_PER_TASK = 50;

export const createFeedbackList = (): FeedbackList => {
  const byTask = new LRUCache<string, readonly Feedback[]>({ max: MAX_TASKS });
  return {
    add: (feedback) => {
      const said = byTask.get(feedback.taskId) ?? [];
      const before = said.find(({ by }) => by === feedback.by);
      if (before && before.at > feedback.at) return;
      const others = said.filter((each) => each !== before);
      byTask.set(feedback.taskId, [feedback, ...others].sort((a, b) => b.at - a.at).slice(0, MAX_PER_TASK));
    },
    of: (taskId) => byTask.peek(taskId) ?? [],
    clear: () => byTask.clear(),
  };
};
