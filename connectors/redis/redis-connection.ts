/**
 * A connection to Redis that knows which life of the server it speaks to: its run id. Nothing waits in a queue while the server
 * is away, so that no command of before a restart reaches the server after it unseen.
 */
import type { Redis } from 'ioredis';
import { FreshetError, toError } from '../../schemas/errors.ts';
import { createRedisClient } from './redis-client.ts';

export interface RedisConnection {
  /** The library's client and the run id of the server. Errors: `unavailable` while there is no connection. */
  use<T>(work: (redis: Redis, runId: string) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** How long a use waits for a connection that is being made. */
const CONNECTED_WITHIN_MS = 1_000;

/** Connects in the background, again and again; never throws itself. */
export const openRedisConnection = (url: string): RedisConnection => {
  const redis = createRedisClient(url);
  let runId: Promise<string> | undefined;
  const unavailable = (cause?: unknown): FreshetError =>
    new FreshetError(
      'unavailable',
      `Redis does not answer${cause === undefined ? '' : ` (${toError(cause).message})`}; run: npx freshet doctor`,
      cause === undefined ? {} : { cause },
    );
  const forget = (): void => {
    runId = undefined;
  };
  redis.on('close', forget);
  redis.on('end', forget);
  const learn = (): void => {
    const asked = redis.info('server').then((text) => {
      const [, id] = /run_id:(\S+)/.exec(text) ?? [];
      if (id === undefined) throw unavailable();
      return id;
    });
    asked.catch(() => {
      if (runId === asked) forget();
    });
    runId = asked;
  };
  redis.on('ready', learn);
  /** The first connection is under way, or a lost one is made again: a moment's wait spares an error. */
  const connected = async (): Promise<string> => {
    // A server that was too slow to say who it is when it was connected to is asked again.
    if (runId === undefined && redis.status === 'ready') learn();
    const deadline = performance.now() + CONNECTED_WITHIN_MS;
    while (runId === undefined && redis.status !== 'end' && performance.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 5));
    if (runId === undefined) throw unavailable();
    return runId;
  };
  return {
    use: async (work) => {
      try {
        const id = runId === undefined ? await connected() : await runId;
        return await work(redis, id);
      } catch (thrown) {
        throw thrown instanceof FreshetError ? thrown : unavailable(thrown);
      }
    },
    close: async () => {
      await redis.quit().catch(() => undefined);
      redis.disconnect();
    },
  };
};
