/**
 * Limits of model providers that all workers of a group share through Redis: what one of them sends counts for all, and what one
 * is told (Retry-After) holds back all. Times are Redis's own, so that workers' clocks may be apart. Without Redis each goes by what
 * it has seen itself, and after a failure it is not asked for a moment.
 */
import { randomUUID } from 'node:crypto';
import {
  afterAnswer,
  afterRefusal,
  type Hold,
  MAX_HOLD_MS,
  NO_HOLD,
  parseHold,
} from '../models/language/hold-state.ts';
import { WINDOW_MS } from '../models/language/limiter-state.ts';
import type {
  MinuteLimits,
  SharedHold,
  SharedLimits,
  SharedWindow,
} from '../models/language/shared-limits.ts';
import { LOOK_AT_HOLD, MOVE_HOLD, SETTLE_PLACE, TAKE_PLACES } from './limit-scripts.ts';
import { openRedis } from './open-redis.ts';

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
const REST_MS = 1_000;
/** Others move a hold meanwhile: it is looked at anew. After as many times it is left to them. */
const TRIES = 20;
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
  let restUntil = 0;
  const keyOf = (kind: string, ...of: readonly string[]): string =>
    `freshet:limits:{${group}}:${kind}:${of.join(':')}`;

  const ask = async <Of>(command: () => Promise<Of>): Promise<Of | null> => {
    if (redis.status !== 'ready' || performance.now() < restUntil) return null;
    try {
      return await command();
    } catch {
      restUntil = performance.now() + REST_MS;
      return null;
    }
  };

  const moveHold = async (key: string, next: (hold: Hold, now: number) => Hold): Promise<void> => {
    for (let attempt = 0; attempt < TRIES; attempt += 1) {
      const [text, now] = (await LOOK_AT_HOLD(redis, [key], [])) as readonly [string, number];
      const moved = JSON.stringify(next(parseHold(text) ?? NO_HOLD, now));
      if (moved === text) return;
      if ((await MOVE_HOLD(redis, [key], [text, moved, String(HOLD_KEPT_MS)])) === 1) return;
    }
  };

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
