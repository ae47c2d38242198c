/** The ledger of budgets on a real Redis: never above, exact, idempotent, and silent about what it does not know. */
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { openRedisBudgetLedger } from '../../../connectors/redis/redis-budget-ledger.ts';
import {
  type BudgetLedger,
  dayBefore,
  dayOf,
  type JournaledCost,
  type Reservation,
  startOfDay,
} from '../../../schemas/budget-ledger.ts';
import { formatUsd, parseUsd } from '../../../schemas/money.ts';

/** Not over for a long while: the last hour of a day is another matter. */
const DAY = '2090-11-21';
const NOON = startOfDay(DAY) * 1_000 + 43_200_000_000;
const DAY_MICROS = 86_400_000_000;
const NONE = { agentUsd: null, tenantUsd: null };

let redis: Redis;
const open: BudgetLedger[] = [];
beforeAll(() => {
  redis = new Redis(inject('stack').redis);
});
afterAll(async () => {
  await Promise.all(open.map((ledger) => ledger.close()));
  redis.disconnect();
});

interface Counters {
  readonly prefix: string;
  readonly keyOf: (day: string) => string;
  readonly ledger: BudgetLedger;
}

/** Counters of their own, known from nothing unless told otherwise. */
const counters = async ({ known = true, now = NOON } = {}): Promise<Counters> => {
  const prefix = `test-${randomUUID()}`;
  const ledger = await openRedisBudgetLedger({ url: inject('stack').redis, clock: () => now, prefix });
  open.push(ledger);
  if (known) await ledger.rebuild(DAY, async () => []);
  return { prefix, ledger, keyOf: (day) => `${prefix}:{budgets}:${day}` };
};

let calls = 0;
const call = (over: Partial<Reservation> = {}): Reservation => {
  calls += 1;
  return {
    costId: `execution-1:1:${calls}`,
    agent: 'support',
    tenant: 'acme',
    usd: '1',
    at: NOON,
    limits: { agentUsd: '10', tenantUsd: '10' },
    ...over,
  };
};
const spent = async ({ ledger }: Counters, day = DAY) => {
  const { known, agents, tenants } = await ledger.spending(day, { agents: ['support'], tenants: ['acme'] });
  return { known, agent: agents.support, tenant: tenants.acme };
};
const codeOf = async (ledger: BudgetLedger, reservation: Reservation): Promise<string> => {
  const verdict = await ledger.reserve(reservation);
  return verdict.allowed ? 'allowed' : verdict.code;
};

test('50 executions at once, from several workers, never go above the limit, and use it up', async () => {
  const one = await counters();
  const workers = await Promise.all(
    Array.from({ length: 4 }, () =>
      openRedisBudgetLedger({ url: inject('stack').redis, clock: () => NOON, prefix: one.prefix }),
    ),
  );
  open.push(...workers);
  const limits = { agentUsd: '1', tenantUsd: null };
  const granted = await Promise.all(
    Array.from({ length: 50 }, async (_, at) => {
      let own = 0n;
      for (let step = 0; step < 20; step += 1) {
        const reservation = call({ usd: '0.013', limits });
        const ledger = workers[(at + step) % workers.length];
        if (!(await ledger?.reserve(reservation))?.allowed) continue;
        const usd = step % 3 === 0 ? '0.013' : '0.002000000001';
        await ledger?.settle({ costId: reservation.costId, usd });
        own += parseUsd(usd);
        // At no moment is more counted than may be spent.
        expect(parseUsd((await spent(one)).agent ?? '9')).toBeLessThanOrEqual(parseUsd('1'));
      }
      return own;
    }),
  );
  const sum = granted.reduce((all, own) => all + own, 0n);
  expect((await spent(one)).agent).toBe(formatUsd(sum));
  expect(sum).toBeGreaterThan(parseUsd('0.98'));
});

test('each budget denies for itself, says what is left, and nothing of it to the journal', async () => {
  const { ledger } = await counters();
  const limits = { agentUsd: '3', tenantUsd: '2' };
  expect(await codeOf(ledger, call({ usd: '2', limits }))).toBe('allowed');
  expect(await ledger.reserve(call({ usd: '0.000000000001', limits }))).toEqual({
    allowed: false,
    code: 'tenant-budget',
    reason: `the tenant's budget of 2 USD for ${DAY} does not allow a call of up to 0.000000000001 USD`,
    remainingUsd: '0',
  });
  const denied = await ledger.reserve(call({ usd: '1.000000000001', limits, tenant: 'beta' }));
  expect(denied).toMatchObject({ allowed: false, code: 'agent-budget', remainingUsd: '1' });
  expect(await codeOf(ledger, call({ usd: '1', limits, tenant: 'beta' }))).toBe('allowed');
  // What was denied is not counted.
  expect(
    await codeOf(
      ledger,
      call({ usd: '2', agent: 'triage', tenant: 'beta', limits: { ...limits, tenantUsd: '3' } }),
    ),
  ).toBe('allowed');
});

test('what was spent without a limit counts against one that is set later', async () => {
  const { ledger } = await counters();
  expect(await codeOf(ledger, call({ usd: '8', limits: NONE }))).toBe('allowed');
  expect(await codeOf(ledger, call({ usd: '3' }))).toBe('agent-budget');
  expect(await codeOf(ledger, call({ usd: '2' }))).toBe('allowed');
  expect(await codeOf(ledger, call({ usd: '100', limits: NONE }))).toBe('allowed');
});

test('what is spent without a limit while the day is rebuilt counts once, be it read from the journal too or not', async () => {
  const one = await counters({ known: false });
  const { ledger } = one;
  const [read, missed, settled] = ['1', '2', '4'].map((usd) => call({ usd, limits: NONE }));
  if (!read || !missed || !settled) throw new Error('no calls');
  await ledger.rebuild(DAY, async () => {
    for (const each of [read, missed, settled]) expect(await codeOf(ledger, each)).toBe('allowed');
    // What has a limit waits for all of them.
    expect(await codeOf(ledger, call())).toBe('budget-unknown');
    await ledger.settle({ costId: settled.costId, usd: '0.5' });
    return [read, settled].map(({ costId, agent, tenant, usd }) => ({
      ...{ costId, agent, tenant, usd },
      settled: false,
    }));
  });
  expect(await spent(one)).toEqual({ known: true, agent: '3.5', tenant: '3.5' });
  await ledger.settle({ costId: missed.costId, usd: '1.5' });
  await ledger.settle({ costId: read.costId, usd: '0.25' });
  expect(await spent(one)).toEqual({ known: true, agent: '2.25', tenant: '2.25' });
});

test('a repeat changes nothing, of a reservation and of a settlement', async () => {
  const under = await counters();
  const reservation = call({ usd: '4' });
  for (let times = 0; times < 3; times += 1) expect(await codeOf(under.ledger, reservation)).toBe('allowed');
  expect(await spent(under)).toEqual({ known: true, agent: '4', tenant: '4' });
  for (const usd of ['0.5', '0.5', '3']) await under.ledger.settle({ costId: reservation.costId, usd });
  expect(await spent(under)).toEqual({ known: true, agent: '0.5', tenant: '0.5' });
  expect(await codeOf(under.ledger, reservation)).toBe('allowed');
  expect((await spent(under)).agent).toBe('0.5');
});

test('amounts are exact far beyond what binary fractions hold', async () => {
  const amount = fc.bigInt({ min: 0n, max: 900_000_000_000_000_000_000n });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(amount, amount), { minLength: 1, maxLength: 6 }), async (pairs) => {
      const under = await counters();
      let expected = 0n;
      for (const [reserved, settled] of pairs) {
        const reservation = call({ usd: formatUsd(reserved), limits: NONE });
        await under.ledger.reserve(reservation);
        expect((await spent(under)).agent).toBe(formatUsd(expected + reserved));
        await under.ledger.settle({ costId: reservation.costId, usd: formatUsd(settled) });
        expected += settled;
        expect(await spent(under)).toEqual({
          known: true,
          agent: formatUsd(expected),
          tenant: formatUsd(expected),
        });
      }
      // The limit itself may be reached, by not a picodollar more.
      const limits = { agentUsd: formatUsd(expected + 1n), tenantUsd: null };
      expect(await codeOf(under.ledger, call({ usd: '0.000000000002', limits }))).toBe('agent-budget');
      expect(await codeOf(under.ledger, call({ usd: '0.000000000001', limits }))).toBe('allowed');
    }),
    { numRuns: 30 },
  );
});

const journaled = (reservation: Reservation, over: Partial<JournaledCost> = {}): JournaledCost => {
  const { costId, agent, tenant, usd } = reservation;
  return { costId, agent, tenant, usd, settled: false, ...over };
};

test('lost counters deny everything that has a limit, until they are counted from the journal', async () => {
  const under = await counters();
  const before = call({ usd: '7' });
  await under.ledger.reserve(before);
  await redis.del(under.keyOf(DAY));
  expect(await codeOf(under.ledger, call())).toBe('budget-unknown');
  expect(await codeOf(under.ledger, call({ limits: NONE }))).toBe('allowed');
  expect((await spent(under)).known).toBe(false);
  await under.ledger.rebuild(DAY, async () => [journaled(before)]);
  expect(await spent(under)).toEqual({ known: true, agent: '7', tenant: '7' });
  expect(await codeOf(under.ledger, call({ usd: '4' }))).toBe('agent-budget');
  expect(await codeOf(under.ledger, call({ usd: '3' }))).toBe('allowed');
});

test('a server that came back with an old copy of the counters is not believed', async () => {
  const under = await counters();
  await under.ledger.reserve(call({ usd: '2' }));
  // As a copy on disk would have it: the counters, and the run id of the server that wrote them.
  await redis.hset(under.keyOf(DAY), '#run', 'f'.repeat(40));
  expect(await codeOf(under.ledger, call())).toBe('budget-unknown');
  const since = call({ usd: '9' });
  await under.ledger.rebuild(DAY, async () => [journaled(since)]);
  expect((await spent(under)).agent).toBe('9');
});

test('a call that ended while nothing was known is counted at what it came to', async () => {
  const under = await counters({ known: false });
  const ended = call({ usd: '5' });
  await under.ledger.settle({ costId: ended.costId, usd: '0.25' });
  await under.ledger.rebuild(DAY, async () => [journaled(ended)]);
  expect((await spent(under)).agent).toBe('0.25');
});

test('calls that a rebuild found are let go on only while all of them fit', async () => {
  const under = await counters({ known: false });
  const two = [call({ usd: '6' }), call({ usd: '6' })] as const;
  const limits = { agentUsd: '10', tenantUsd: null };
  await under.ledger.rebuild(DAY, async () => two.map((each) => journaled(each)));
  // Both stand in the journal, neither was ever allowed: together they would be too much.
  expect(await codeOf(under.ledger, { ...two[0], limits })).toBe('agent-budget');
  await under.ledger.settle({ costId: two[1].costId, usd: '0' });
  expect(await codeOf(under.ledger, { ...two[0], limits })).toBe('allowed');
  expect((await spent(under)).agent).toBe('6');
});

test('a call that a rebuild found and that is denied gives back what it was counted at: the day was full for good', async () => {
  const under = await counters({ known: false });
  const limits = { agentUsd: '10', tenantUsd: null };
  const three = [call({ usd: '6' }), call({ usd: '6' }), call({ usd: '4' })].map((each) => ({
    ...each,
    limits,
  }));
  await under.ledger.rebuild(DAY, async () => three.map((each) => journaled(each)));
  const verdicts: string[] = [];
  for (const each of three) verdicts.push(await codeOf(under.ledger, each));
  expect(verdicts).toEqual(['agent-budget', 'allowed', 'allowed']);
  expect(await spent(under)).toMatchObject({ known: true, agent: '10', tenant: '10' });
});

test('workers that rebuild at once, of whom one saw less, count everything once', async () => {
  const under = await counters({ known: false });
  const costs = Array.from({ length: 1_200 }, () => call({ usd: '0.001' }));
  const early = costs.map((each) => journaled(each));
  const late = costs.map((each, at) => journaled(each, at % 2 === 0 ? { usd: '0.0005', settled: true } : {}));
  let reading = 0;
  const both = new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      if (reading < 2) return;
      clearInterval(timer);
      resolve();
    }, 1);
  });
  const rebuild = (found: readonly JournaledCost[]) =>
    under.ledger.rebuild(DAY, async () => {
      reading += 1;
      await both;
      return found;
    });
  await Promise.all([rebuild(early), rebuild(late)]);
  const { known, agent } = await spent(under);
  expect(known).toBe(true);
  // Never less than the journal says: what one saw open, and the other settled, is one or the other.
  expect(parseUsd(agent ?? '0')).toBeGreaterThanOrEqual(parseUsd('0.9'));
  expect(parseUsd(agent ?? '9')).toBeLessThanOrEqual(parseUsd('1.2'));
  // And a third finds it done.
  await under.ledger.rebuild(DAY, () => Promise.reject(new Error('it is known')));
});

test('a rebuild whose counters are lost again under it says so, and counts nothing as known', async () => {
  const under = await counters({ known: false });
  const rebuilt = under.ledger.rebuild(DAY, async () => {
    await redis.del(under.keyOf(DAY));
    return [journaled(call())];
  });
  await expect(rebuilt).rejects.toMatchObject({ code: 'unavailable' });
  expect(await codeOf(under.ledger, call())).toBe('budget-unknown');
});

test('a day begins at nothing after one that is known; once', async () => {
  const under = await counters();
  const next = { at: NOON + DAY_MICROS };
  const day = dayOf(next.at);
  await under.ledger.reserve(call({ usd: '8' }));
  expect(await codeOf(under.ledger, call({ ...next, usd: '9' }))).toBe('allowed');
  expect(await spent(under, day)).toEqual({ known: true, agent: '9', tenant: '9' });
  expect((await spent(under)).agent).toBe('8');
  // Thrown out by Redis: it must not begin again.
  await redis.del(under.keyOf(day));
  expect(await codeOf(under.ledger, call(next))).toBe('budget-unknown');
});

test('after a rebuild of a day that is over, the next one is not taken for new', async () => {
  const under = await counters({ known: false });
  const today = dayOf(Date.now() * 1_000);
  const now = Date.now() * 1_000;
  await under.ledger.rebuild(dayBefore(today), async () => []);
  expect(await codeOf(under.ledger, call({ at: now }))).toBe('budget-unknown');
});

test('a call that ends after midnight is settled on the day that reserved it', async () => {
  const under = await counters({ now: NOON + DAY_MICROS });
  const reservation = call({ usd: '8' });
  await under.ledger.reserve(reservation);
  await under.ledger.settle({ costId: reservation.costId, usd: '1' });
  expect((await spent(under)).agent).toBe('1');
});

test('nothing is kept for ever', async () => {
  const now = Date.now() * 1_000;
  const under = await counters({ known: false, now });
  await under.ledger.rebuild(dayOf(now), async () => []);
  await under.ledger.reserve(call({ at: now }));
  const left = await redis.pttl(under.keyOf(dayOf(now)));
  expect(left).toBeGreaterThan(24 * 3_600_000);
  expect(left).toBeLessThan(51 * 3_600_000);
});

test('without Redis, what has a limit is denied and nothing throws', async () => {
  const ledger = await openRedisBudgetLedger({ url: 'redis://127.0.0.1:1', clock: () => NOON });
  expect(await codeOf(ledger, call())).toBe('budget-unknown');
  expect(await codeOf(ledger, call({ limits: NONE }))).toBe('allowed');
  await ledger.settle({ costId: 'execution-1:1:1', usd: '1' });
  await expect(ledger.spending(DAY, { agents: [], tenants: [] })).rejects.toMatchObject({
    code: 'unavailable',
  });
  await ledger.close();
});
