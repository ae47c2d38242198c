/** A Lua script, which Redis runs as one step that nothing comes between; sent whole only where the server does not know it. */
import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { toError } from '../../schemas/errors.ts';

export type RedisScript = (
  redis: Redis,
  keys: readonly string[],
  values: readonly string[],
) => Promise<unknown>;

export const redisScript = (lua: string): RedisScript => {
  const sha = createHash('sha1').update(lua).digest('hex');
  return async (redis, keys, values) => {
    try {
      return await redis.evalsha(sha, keys.length, ...keys, ...values);
    } catch (error) {
      if (!toError(error).message.startsWith('NOSCRIPT')) throw error;
      return redis.eval(lua, keys.length, ...keys, ...values);
    }
  };
};
