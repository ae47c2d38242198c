/** A connection to Redis that says at once when it cannot: nothing waits in a queue for a server that may come back without its memory. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';

const CONNECT_WITHIN_MS = 2_000;
const ANSWER_WITHIN_MS = 1_000;
const MAX_RECONNECT_MS = 500;

/** Resolves once it is ready, or after a moment without it: it goes on trying. Commands fail until it is. */
export const openRedis = async (url: string): Promise<Redis> => {
  const redis = new Redis(url, {
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: CONNECT_WITHIN_MS,
    commandTimeout: ANSWER_WITHIN_MS,
    retryStrategy: (attempt) => Math.min(MAX_RECONNECT_MS, 25 * 2 ** attempt),
  });
  // What fails shows at the command; without a listener it would end the process.
  redis.on('error', () => undefined);
  const given = new AbortController();
  await Promise.race([
    new Promise<void>((resolve) => redis.once('ready', resolve)),
    sleep(CONNECT_WITHIN_MS, undefined, { signal: given.signal }).catch(() => undefined),
  ]);
  given.abort();
  return redis;
};
