/** Commands to a Redis that nothing waits for: while it is away they come to nothing at once, and after a failure for a moment. */
import type { Redis } from 'ioredis';
import { toError } from '../../schemas/errors.ts';

const REST_MS = 1_000;

/** Null where it was not asked, or failed. Told of each that was asked: null, or why it failed. */
export const restingCalls = (
  redis: Redis,
  restMs = REST_MS,
  onAsked: (failure: string | null) => void = () => undefined,
): (<Of>(command: () => Promise<Of>) => Promise<Of | null>) => {
  let restUntil = 0;
  return async (command) => {
    if (redis.status !== 'ready' || performance.now() < restUntil) return null;
    try {
      const answer = await command();
      onAsked(null);
      return answer;
    } catch (thrown) {
      restUntil = performance.now() + restMs;
      onAsked(toError(thrown).message);
      return null;
    }
  };
};
