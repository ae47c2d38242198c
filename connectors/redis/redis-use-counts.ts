/** Use counts in Redis: two fields a memory in one hash a namespace, gone when nothing was recalled there for long. */
import type { RedisConnection } from './redis-connection.ts';
import type { MemoryUse, UseCounts } from './use-counts.ts';

const KEPT_MS = 90 * 24 * 3_600_000;
const LAST = '@';

const keyOf = (namespace: string): string => `freshet:memory-uses:${namespace}`;

export const createRedisUseCounts = (connection: RedisConnection): UseCounts => ({
  add: (namespace, memoryIds, at) =>
    connection.use(async (redis) => {
      if (memoryIds.length === 0) return;
      const key = keyOf(namespace);
      const batch = redis.pipeline();
      for (const id of memoryIds) batch.hincrby(key, id, 1).hset(key, LAST + id, String(at));
      await batch.pexpire(key, KEPT_MS).exec();
    }),

  read: (namespace) =>
    connection.use(async (redis) => {
      const fields = await redis.hgetall(keyOf(namespace));
      const uses = new Map<string, MemoryUse>();
      for (const [id, count] of Object.entries(fields)) {
        if (id.startsWith(LAST)) continue;
        uses.set(id, { count: Number(count), lastAt: Number(fields[LAST + id] ?? 0) });
      }
      return uses;
    }),

  forget: (namespace, memoryIds) =>
    connection.use(async (redis) => {
      if (memoryIds.length > 0)
        await redis.hdel(keyOf(namespace), ...memoryIds.flatMap((id) => [id, LAST + id]));
    }),
});
