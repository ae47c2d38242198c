/** How the breakers that workers share stand, for whoever only looks: it moves none of them on. */
import { type Breaker, CLOSED, type GuardedName, parseBreaker } from '../guarded-calls/breaker-state.ts';
import type { RedisConnection } from './redis-connection.ts';
import { breakerKeyOf } from './shared-breaker.ts';

/** In the order of the names; times of Redis's clock, milliseconds. Errors: `unavailable`. */
export type LookAtBreakers = (names: readonly GuardedName[]) => Promise<readonly Breaker[]>;

export const lookAtBreakers =
  (connection: Pick<RedisConnection, 'use'>, group: string): LookAtBreakers =>
  (names) =>
    connection.use(async (redis) => {
      if (names.length === 0) return [];
      const texts = await redis.mget(names.map((name) => breakerKeyOf(group, name)));
      return texts.map((text) => parseBreaker(text ?? '') ?? CLOSED);
    });
