/**
 * A client of Redis that says at once when it cannot: nothing waits in a queue for a server that may come back without its
 * memory. It connects in the background, again and again.
 */
import { Redis } from 'ioredis';

const CONNECT_WITHIN_MS = 2_000;
const ANSWER_WITHIN_MS = 1_000;
const FIRST_PAUSE_MS = 25;
const LONGEST_PAUSE_MS = 500;

export const createRedisClient = (url: string, answerWithinMs = ANSWER_WITHIN_MS): Redis => {
  const redis = new Redis(url, {
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: CONNECT_WITHIN_MS,
    commandTimeout: answerWithinMs,
    retryStrategy: (attempt) => Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt),
  });
  // What fails shows at the command; without a listener it would end the process.
  redis.on('error', () => undefined);
  return redis;
};
