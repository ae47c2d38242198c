/** A client of Redis, waited for. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { createRedisClient } from './redis-client.ts';

const READY_WITHIN_MS = 2_000;

/** Resolves once it is ready, or after a moment without it: it goes on trying. Commands fail until it is. */
export const openRedis = async (url: string): Promise<Redis> => {
  const redis = createRedisClient(url);
  const given = new AbortController();
  await Promise.race([
    new Promise<void>((resolve) => redis.once('ready', resolve)),
    sleep(READY_WITHIN_MS, undefined, { signal: given.signal }).catch(() => undefined),
  ]);
  given.abort();
  return redis;
};
