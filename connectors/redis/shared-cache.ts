/** Texts with a time to live, shared by processes through Redis. Nothing is lost with it but time. */
import { createRedisClient } from './redis-client.ts';
import { restingCalls } from './resting-calls.ts';

export interface SharedCache {
  /** Null where there is none, and where Redis cannot be asked. Never rejects. */
  get(key: string): Promise<string | null>;
  /** Forgotten where Redis cannot be reached. Never rejects. */
  set(key: string, value: string, ttlMs: number): Promise<void>;
  close(): void;
}

export interface SharedCacheSettings {
  /** redis://host:port */
  readonly url: string;
  /** Longest time a look may take, in milliseconds: the call it saves must be slower. Default 100. */
  readonly timeoutMs?: number;
  /** How long Redis is not asked again after it failed, in milliseconds. Default 1,000. */
  readonly restMs?: number;
  /** Told when Redis stops answering and when it answers again. */
  readonly onChange?: (reachable: boolean, reason: string) => void;
}

const TIMEOUT_MS = 100;

/** Connects in the background: until then, and whenever Redis is away, every look finds nothing, at once. */
export const openSharedCache = (settings: SharedCacheSettings): SharedCache => {
  // A look that waits for a connection would hold up the call it is to save.
  const redis = createRedisClient(settings.url, settings.timeoutMs ?? TIMEOUT_MS);
  let reachable = true;

  const tell = (now: boolean, reason: string): void => {
    if (now === reachable) return;
    reachable = now;
    settings.onChange?.(now, reason);
  };
  redis.on('error', (error: Error) => tell(false, error.message));

  const ask = restingCalls(redis, settings.restMs, (failure) =>
    tell(failure === null, failure ?? 'it answers'),
  );

  return {
    get: (key) => ask(() => redis.get(key)),
    set: async (key, value, ttlMs) => {
      await ask(() => redis.set(key, value, 'PX', Math.max(1, Math.ceil(ttlMs))));
    },
    close: () => redis.disconnect(),
  };
};
