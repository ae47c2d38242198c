/** The chunks of running and recent tasks, for their event streams; bounded, what is forgotten is read from Kafka again. */
import { EventEmitter } from 'node:events';
import { LRUCache } from 'lru-cache';
import type { TaskChunk } from '../../schemas/records.ts';

export interface PlacedChunk {
  readonly partition: number;
  readonly offset: number;
  readonly chunk: TaskChunk;
}

export interface RecentChunks {
  add(placed: PlacedChunk): void;
  /** In order; undefined where nothing of the task is held. */
  of(taskId: string): readonly PlacedChunk[] | undefined;
  onChunk(taskId: string, listener: (placed: PlacedChunk) => void): () => void;
  clear(): void;
}

const MAX_TASKS = 2_000;
const MAX_BYTES = 32 * 1024 * 1024;
const OVERHEAD_BYTES = 200;

export const createRecentChunks = (): RecentChunks => {
  const chunks = new LRUCache<string, readonly PlacedChunk[]>({
    max: MAX_TASKS,
    maxSize: MAX_BYTES,
    sizeCalculation: (list) => list.reduce((sum, { chunk }) => sum + OVERHEAD_BYTES + chunk.text.length, 1),
  });
  const arrivals = new EventEmitter().setMaxListeners(0);
  return {
    add: (placed) => {
      const { taskId } = placed.chunk;
      chunks.set(taskId, [...(chunks.get(taskId) ?? []), placed]);
      // Prefixed: a task may be called "error", which an emitter takes for more than a name.
      arrivals.emit(`task ${taskId}`, placed);
    },
    of: (taskId) => chunks.get(taskId),
    onChunk: (taskId, listener) => {
      const name = `task ${taskId}`;
      arrivals.on(name, listener);
      return () => arrivals.off(name, listener);
    },
    clear: () => chunks.clear(),
  };
};
