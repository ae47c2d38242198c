/**
 * Limits of model providers that all workers of a group share through Redis: what one of them sends counts for all, and what one
 * is told (Retry-After) holds back all. Times are Redis's own, so that workers' clocks may be apart. Without Redis each goes by what
 * it has seen itself, and after a failure it is not asked for a moment.
 */
import { randomUUID } from 'node:crypto';
import { MAX_HOLD_MS } from '../guarded-calls/retry-state.ts';
import { afterAnswer, afterRefusal, type Hold, NO_HOLD, parseHold } from '../models/language/hold-state.ts';
import { WINDOW_MS } from '../models/language/limiter-state.ts';
import type {
  MinuteLimits,
  SharedHold,
  SharedLimits,
  SharedWindow,
} from '../models/language/shared-limits.ts';
import { SETTLE_PLACE, TAKE_PLACES } from './limit-scripts.ts';
import { moveShared } from './move-shared.ts';
import { openRedis } from './open-redis.ts';
import { restingCalls } from './resting-calls.ts';

export interface RedisSharedLimitsSettings {
  readonly url: string;
  /** Workers of one group share their limits. */
  readonly group: string;
  /** Of a minute: shorter in tests. */
  readonly windowMs?: number;
  /** A worker that waits and does not ask again for so long waits no more. Default 1,500. */
  readonly leaseMs?: number;
}

/** Others may give back what they reserved: whoever waits asks again after this, in milliseconds. */
const AGAIN_MS = 250;
const LEASE_MS = 1_500;
/** Refusals that are further apart are none in a row. */
const HOLD_KEPT_MS = 2 * MAX_HOLD_MS;

const textOf = (limit: number): string => (Number.isFinite(limit) ? String(limit) : '');

/** Resolves with or without Redis: it is tried again and again. */
export const openRedisSharedLimits = async ({
  url,
  group,
  windowMs = WINDOW_MS,
  leaseMs = LEASE_MS,
}: RedisSharedLimitsSettings): Promise<SharedLimits> => {
  const redis = await openRedis(url);
  const worker = randomUUID();
  const keyOf = (kind: string, ...of: readonly string[]): string =>
    `freshet:limits:{${group}}:${kind}:${of.join(':')}`;

  const ask = restingCalls(redis);

  const moveHold = (key: string, next: (hold: Hold, now: number) => Hold): Promise<unknown> =>
    moveShared(redis, { key, keptMs: HOLD_KEPT_MS }, (text, now) => ({
      text: JSON.stringify(next(parseHold(text) ?? NO_HOLD, now)),
    }));

  const holdOf = (provider: string): SharedHold => {
    const key = keyOf('hold', provider);
    return {
      refused: (retryAfterMs) =>
        void ask(() => moveHold(key, (hold, now) => afterRefusal(hold, retryAfterMs, now))),
      answered: () => void ask(() => moveHold(key, afterAnswer)),
    };
  };

  const windowOf = (provider: string, model: string, limits: MinuteLimits): SharedWindow => {
    const [calls, tokens] = [keyOf('calls', provider, model), keyOf('tokens', provider, model)];
    const waiting = [keyOf('queue', provider, model), keyOf('leases', provider, model)];
    const keys = [keyOf('hold', provider), calls, tokens, ...waiting];
    const { requestsPerMinute, tokensPerMinute } = limits;
    const settings = [
      ...[textOf(requestsPerMinute), textOf(tokensPerMinute), String(windowMs)],
      ...[worker, String(leaseMs)],
    ];
    const idOf = (id: number): string => `${worker}:${id}`;
    return {
      take: (wanted) =>
        ask(async () => {
          const each = wanted.flatMap((call) => [idOf(call.id), String(Math.ceil(call.tokens))]);
          const answer = await TAKE_PLACES(redis, keys, [...settings, ...each]);
          const [heldMs, refusals, taken, oldestMs] = answer as readonly [number, number, number, number];
          return { heldMs, refusals, taken, againMs: Math.min(AGAIN_MS, oldestMs) };
        }),
      settle: (id, used) =>
        void ask(() => SETTLE_PLACE(redis, [calls, tokens], [idOf(id), String(Math.ceil(used))])),
      giveBack: (id) => void ask(() => SETTLE_PLACE(redis, [calls, tokens], [idOf(id), ''])),
    };
  };

  return { holdOf, windowOf, close: async () => redis.disconnect() };
};
