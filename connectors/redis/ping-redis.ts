import { Redis } from 'ioredis';
import { bareAddress } from '../../schemas/bare-address.ts';
import { FreshetError, toError } from '../../schemas/errors.ts';

/** The version of the Redis at a URL. Errors: `unavailable`. */
export const pingRedis = async (url: string): Promise<string> => {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: 3_000,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  redis.on('error', () => undefined);
  try {
    await redis.connect();
    return /redis_version:(\S+)/.exec(await redis.info('server'))?.[1] ?? 'unknown';
  } catch (thrown) {
    const error = toError(thrown);
    throw new FreshetError('unavailable', `Redis at ${bareAddress(url)} does not answer: ${error.message}`, {
      cause: error,
    });
  } finally {
    redis.disconnect();
  }
};
