import { Redis } from 'ioredis';
import { bareAddress } from '../../schemas/bare-address.ts';
import { FreshetError, toError } from '../../schemas/errors.ts';

export interface RedisAnswer {
  readonly version: string;
  /** What goes first when memory is full; `noeviction` where nothing does. */
  readonly eviction: string;
}

/** What the Redis at a URL is. Errors: `unavailable`. */
export const pingRedis = async (url: string): Promise<RedisAnswer> => {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: 3_000,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  redis.on('error', () => undefined);
  try {
    await redis.connect();
    const info = await redis.info();
    const version = /redis_version:(\S+)/.exec(info)?.[1] ?? 'unknown';
    const eviction = /maxmemory_policy:(\S+)/.exec(info)?.[1] ?? 'noeviction';
    return { version, eviction };
  } catch (thrown) {
    const error = toError(thrown);
    throw new FreshetError('unavailable', `Redis at ${bareAddress(url)} does not answer: ${error.message}`, {
      cause: error,
    });
  } finally {
    redis.disconnect();
  }
};
