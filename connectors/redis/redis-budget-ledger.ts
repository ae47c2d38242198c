/**
 * The ledger of budgets in Redis, one for all workers. Every step is one script, so that workers cannot come between a
 * check and its count. A server that lost its memory, or was restarted with an old copy of it, is recognised by its run
 * id in the same step.
 */
import { randomUUID } from 'node:crypto';
import {
  type BudgetLedger,
  type DailyLimits,
  type DailySpending,
  dayBefore,
  dayOf,
  type JournaledCost,
  type ReserveVerdict,
  startOfDay,
} from '../../schemas/budget-ledger.ts';
import type { Clock } from '../../schemas/clock.ts';
import { FreshetError, toError } from '../../schemas/errors.ts';
import { formatUsd, parseUsd } from '../../schemas/money.ts';
import { slicesOf } from '../../schemas/slices-of.ts';
import { BEGIN_REBUILD, FORGET, RESERVE, RESTORE, SEAL, SETTLE, SPENDING } from './budget-scripts.ts';
import { openRedis } from './open-redis.ts';

export interface RedisBudgetLedgerSettings {
  readonly url: string;
  readonly clock: Clock;
  /** Told apart from other planes on one Redis. */
  readonly prefix?: string;
}

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** A call that ends after midnight is settled on the day before. */
const KEPT_MS = 2 * DAY_MS + 2 * HOUR_MS;
/** Clocks of workers that are ahead begin the next day early. */
const CLOCKS_APART_MS = HOUR_MS;
const RESTORED_AT_ONCE = 500;
const SAY_AGAIN_MS = 250;
const MOST_UNSAID = 10_000;

/** As the scripts take it: dollars, a point, twelve digits. */
const wide = (usd: string): string => {
  const [whole = '0', fraction = ''] = formatUsd(parseUsd(usd)).split('.');
  return `${whole}.${fraction.padEnd(12, '0')}`;
};
const restoring = ({ costId, agent, tenant, usd, settled }: JournaledCost) =>
  [costId, agent, tenant, wide(usd), settled] as const;
const narrow = (amount: string): string => formatUsd(parseUsd(amount));

const isUnlimited = ({ agentUsd, tenantUsd }: DailyLimits): boolean =>
  agentUsd === null && tenantUsd === null;

const UNKNOWN: ReserveVerdict = {
  allowed: false,
  code: 'budget-unknown',
  reason: 'what was spent today is not known, and is being counted from the journal',
  remainingUsd: null,
};

export const openRedisBudgetLedger = async ({
  url,
  clock,
  prefix = 'freshet',
}: RedisBudgetLedgerSettings): Promise<BudgetLedger> => {
  const redis = await openRedis(url);
  // One slot of a cluster: a script's keys must share it.
  const keyOf = (day: string): string => `${prefix}:{budgets}:${day}`;
  const expiryOf = (day: string): string => String(startOfDay(day) + KEPT_MS);
  /** What Redis could not be told, in order. */
  let unsaid: (() => Promise<unknown>)[] = [];
  let overflowed = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let saying: Promise<void> | undefined;
  let closed = false;

  const sayAgain = async (): Promise<void> => {
    try {
      if (overflowed.size > 0) {
        await FORGET(redis, [...overflowed].map(keyOf), []);
        overflowed = new Set();
      }
      for (let next = unsaid[0]; next && !closed; next = unsaid[0]) {
        await next();
        unsaid.shift();
      }
    } catch {
      // It is said again after a moment.
    }
  };

  const schedule = (): void => {
    if (closed || timer || saying) return;
    timer = setTimeout(() => {
      timer = undefined;
      saying = sayAgain().finally(() => {
        saying = undefined;
        if (unsaid.length > 0 || overflowed.size > 0) schedule();
      });
    }, SAY_AGAIN_MS);
    timer.unref();
  };

  /** In order: nothing overtakes what is still unsaid. */
  const say = async (day: string, command: () => Promise<unknown>): Promise<void> => {
    if (unsaid.length === 0) {
      try {
        await command();
        return;
      } catch {
        // Kept below.
      }
    }
    unsaid.push(command);
    if (unsaid.length > MOST_UNSAID) {
      // Too much to remember: the days are counted from the journal instead.
      unsaid = [];
      overflowed.add(day).add(dayBefore(day));
    }
    schedule();
  };

  const ask = async <Answer>(command: () => Promise<Answer>): Promise<Answer> => {
    try {
      return await command();
    } catch (thrown) {
      const error = toError(thrown);
      throw new FreshetError('unavailable', `Redis does not answer: ${error.message}`, { cause: error });
    }
  };

  const lost = (day: string): FreshetError =>
    new FreshetError('unavailable', `Redis lost the counters of ${day} while they were rebuilt; try again`);

  return {
    reserve: async ({ costId, agent, tenant, usd, at, limits }) => {
      const day = dayOf(at);
      const reserve = () =>
        RESERVE(
          redis,
          [keyOf(day), keyOf(dayBefore(day))],
          [
            ...[costId, agent, tenant, wide(usd)],
            limits.agentUsd === null ? '' : wide(limits.agentUsd),
            limits.tenantUsd === null ? '' : wide(limits.tenantUsd),
            expiryOf(day),
          ],
        ) as Promise<readonly [string, string]>;
      if (isUnlimited(limits)) {
        await say(day, reserve);
        return { allowed: true };
      }
      if (unsaid.length > 0 || overflowed.size > 0) return UNKNOWN;
      try {
        const [verdict, remaining] = await reserve();
        if (verdict === 'allowed') return { allowed: true };
        if (verdict !== 'agent' && verdict !== 'tenant') return UNKNOWN;
        const limit = verdict === 'agent' ? limits.agentUsd : limits.tenantUsd;
        return {
          allowed: false,
          code: `${verdict}-budget`,
          reason: `the ${verdict}'s budget of ${limit} USD for ${day} does not allow a call of up to ${usd} USD`,
          remainingUsd: narrow(remaining),
        };
      } catch (error) {
        return { ...UNKNOWN, reason: `Redis does not answer: ${toError(error).message}` };
      }
    },
    settle: async ({ costId, usd }) => {
      const day = dayOf(clock());
      const days = [day, dayBefore(day), dayOf(startOfDay(day) * 1_000 + DAY_MS * 1_000)];
      await say(day, () => SETTLE(redis, days.map(keyOf), [costId, wide(usd), ...days.map(expiryOf)]));
    },
    rebuild: async (day, read) => {
      const token = randomUUID();
      const keys = [keyOf(day)];
      if ((await ask(() => BEGIN_REBUILD(redis, keys, [token, expiryOf(day)]))) === 'known') return;
      const costs = await read();
      for (const some of slicesOf(costs, RESTORED_AT_ONCE)) {
        const answer = await ask(() => RESTORE(redis, keys, [token, JSON.stringify(some.map(restoring))]));
        // Another worker was quicker.
        if (answer === 'known') return;
        if (answer === 'lost') throw lost(day);
      }
      const nextFrom = String(startOfDay(day) + DAY_MS - CLOCKS_APART_MS);
      if ((await ask(() => SEAL(redis, keys, [token, nextFrom]))) === 'lost') throw lost(day);
    },
    spending: async (day, { agents, tenants }) => {
      const fields = [...agents.map((name) => `a:${name}`), ...tenants.map((name) => `t:${name}`)];
      const [known, ...amounts] = (await ask(() =>
        SPENDING(redis, [keyOf(day)], fields),
      )) as readonly string[];
      const named = (names: readonly string[], from: number): DailySpending['agents'] =>
        Object.fromEntries(names.map((name, at) => [name, narrow(amounts[from + at] ?? '0')]));
      return {
        day,
        known: known === '1',
        agents: named(agents, 0),
        tenants: named(tenants, agents.length),
      };
    },
    close: async () => {
      closed = true;
      clearTimeout(timer);
      await saying;
      redis.disconnect();
    },
  };
};
