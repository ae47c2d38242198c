/**
 * Circuit breakers that all workers of a group share through Redis: what one of them finds broken, none of them calls.
 * Without Redis each goes by what it has seen itself. Times are Redis's own where it is reached, so that workers' clocks
 * may be apart.
 */
import type { Redis } from 'ioredis';
import {
  afterCall,
  type Breaker,
  type BreakerSettings,
  type BreakerVerdict,
  beforeCall,
  breakerSettingsOf,
  CLOSED,
  type GuardedName,
  parseBreaker,
  withoutCall,
} from '../guarded-calls/breaker-state.ts';
import { moveShared } from './move-shared.ts';
import { openRedis } from './open-redis.ts';

export interface SharedBreakers {
  /** To be asked before each call; never throws. */
  before(name: GuardedName): Promise<BreakerVerdict>;
  /** Whether it may be called now, for who does not: nothing is moved; never throws. */
  peek(name: GuardedName): Promise<boolean>;
  /** To be told of each call that was allowed, `sinceMs` ago or just now; never throws. */
  after(name: GuardedName, succeeded: boolean, sinceMs?: number): Promise<void>;
  /** To be told of one that was allowed, so long ago, and then not made; never throws. */
  without(name: GuardedName, sinceMs?: number): Promise<void>;
  close(): Promise<void>;
}

export interface SharedBreakersSettings {
  readonly url: string;
  /** Workers of one group share their breakers. */
  readonly group: string;
  readonly settingsOf?: (name: GuardedName) => BreakerSettings;
  /** Milliseconds, for the time without Redis. */
  readonly now?: () => number;
}

/** Of the breaker of a name, for all workers of a group. */
export const breakerKeyOf = (group: string, name: GuardedName): string =>
  `freshet:breaker:{${group}}:${name}`;

/** Longer than it can be open or half-open; failures that are further apart are no failures in a row. */
const KEPT_FOR = 10;

const isClosed = (breaker: Breaker): boolean => breaker.state === 'closed' && breaker.failures === 0;
const textOf = (breaker: Breaker): string => (isClosed(breaker) ? '' : JSON.stringify(breaker));

export const openSharedBreakers = async (settings: SharedBreakersSettings): Promise<SharedBreakers> => {
  const { group, settingsOf = breakerSettingsOf, now = Date.now } = settings;
  const redis: Redis = await openRedis(settings.url);
  const local = new Map<string, Breaker>();

  const see = (name: GuardedName, breaker: Breaker): void => {
    if (isClosed(breaker)) local.delete(name);
    else local.set(name, breaker);
  };

  /** Moves the breaker on, here and for all: `decide` may be asked several times. */
  const move = async <Answer>(
    name: GuardedName,
    decide: (breaker: Breaker, at: number) => { readonly breaker: Breaker; readonly answer: Answer },
  ): Promise<Answer> => {
    const state = { key: breakerKeyOf(group, name), keptMs: settingsOf(name).openMs * KEPT_FOR };
    try {
      const moved = await moveShared(redis, state, (text, at) => {
        const decided = decide(parseBreaker(text) ?? CLOSED, at);
        return { ...decided, text: textOf(decided.breaker) };
      });
      if (moved) {
        see(name, moved.breaker);
        return moved.answer;
      }
      // Others were always quicker: by what this worker saw last.
    } catch {
      // Redis is away: by what this worker has seen.
    }
    const { breaker, answer } = decide(local.get(name) ?? CLOSED, now());
    see(name, breaker);
    return answer;
  };

  return {
    before: (name) =>
      move(name, (breaker, at) => {
        const { breaker: next, verdict } = beforeCall(breaker, settingsOf(name), at);
        return { breaker: next, answer: verdict };
      }),
    peek: (name) =>
      move(name, (breaker, at) => ({
        breaker,
        answer: beforeCall(breaker, settingsOf(name), at).verdict.allowed,
      })),
    after: (name, succeeded, sinceMs) =>
      move(name, (breaker, at) => ({
        breaker: afterCall(breaker, settingsOf(name), at, succeeded, sinceMs),
        answer: undefined,
      })),
    without: (name, sinceMs) =>
      move(name, (breaker, at) => ({
        breaker: withoutCall(breaker, settingsOf(name), at, sinceMs),
        answer: undefined,
      })),
    close: async () => redis.disconnect(),
  };
};
