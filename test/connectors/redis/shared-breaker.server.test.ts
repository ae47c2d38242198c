/** Breakers that workers share, on a real Redis. */
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, expect, inject, test } from 'vitest';
import type { GuardedName } from '../../../connectors/guarded-calls/breaker-state.ts';
import {
  breakerKeyOf,
  openSharedBreakers,
  type SharedBreakers,
} from '../../../connectors/redis/shared-breaker.ts';

/** Open for longer than a slow machine takes to look. */
const SETTINGS = { failures: 3, openMs: 600_000 };
const open: SharedBreakers[] = [];
afterAll(() => Promise.all(open.map((each) => each.close())));

const worker = async (
  group: string,
  over: { readonly url?: string; readonly now?: () => number } = {},
): Promise<SharedBreakers> => {
  const { url = inject('stack').redis, now } = over;
  const breakers = await openSharedBreakers({
    url,
    group,
    settingsOf: () => SETTINGS,
    ...(now ? { now } : {}),
  });
  open.push(breakers);
  return breakers;
};

/** What is open has been so for long enough: the clock is Redis's, which no test moves on. */
const letTimePass = async (group: string, name: GuardedName): Promise<void> => {
  const redis = new Redis(inject('stack').redis);
  try {
    const key = breakerKeyOf(group, name);
    const breaker = JSON.parse((await redis.get(key)) ?? 'null');
    expect(breaker).toEqual({ state: 'open', until: expect.any(Number), opened: expect.any(Number) });
    const { until, opened } = breaker;
    const ago = { until: until - SETTINGS.openMs, opened: opened - SETTINGS.openMs };
    await redis.set(key, JSON.stringify({ ...breaker, ...ago }));
  } finally {
    redis.disconnect();
  }
};

test('what one worker finds broken, none calls; one trial among all of them, and then it is closed for all', async () => {
  const group = randomUUID();
  const [a, b, c] = await Promise.all([worker(group), worker(group), worker(group)]);
  // Failures of several workers count together.
  await a.after('tool:crm', false);
  await b.after('tool:crm', false);
  expect(await c.before('tool:crm')).toEqual({ allowed: true });
  await a.after('tool:crm', false);
  for (const each of [a, b, c]) expect(await each.before('tool:crm')).toMatchObject({ allowed: false });
  expect(await c.before('tool:other')).toEqual({ allowed: true });
  expect([await c.peek('tool:crm'), await c.peek('tool:other')]).toEqual([false, true]);
  await letTimePass(group, 'tool:crm');
  // Who only looks leaves the trial to others.
  for (const each of [a, b, c]) expect(await each.peek('tool:crm')).toBe(true);
  const trials = await Promise.all([a, b, c, a, b, c].map((each) => each.before('tool:crm')));
  expect(trials.filter(({ allowed }) => allowed)).toHaveLength(1);
  // Allowed before it opened.
  await c.after('tool:crm', true, SETTINGS.openMs * 2);
  await c.without('tool:crm', SETTINGS.openMs * 2);
  expect(await c.before('tool:crm')).toMatchObject({ allowed: false, waitMs: null });
  await b.after('tool:crm', true);
  for (const each of [a, b, c]) expect(await each.before('tool:crm')).toEqual({ allowed: true });
});

test('failures of many workers at once are all counted', async () => {
  const group = randomUUID();
  const workers = await Promise.all([1, 2, 3].map(() => worker(group)));
  await Promise.all(workers.map((each) => each.after('model:gpt', false)));
  expect(await workers[0]?.before('model:gpt')).toMatchObject({ allowed: false });
});

test('groups do not share theirs', async () => {
  const [a, b] = await Promise.all([worker(randomUUID()), worker(randomUUID())]);
  for (let at = 0; at < 3; at += 1) await a.after('tool:crm', false);
  expect((await a.before('tool:crm')).allowed).toBe(false);
  expect((await b.before('tool:crm')).allowed).toBe(true);
});

test('without Redis each worker goes by what it has seen itself', async () => {
  let now = 1_000;
  const alone = await worker('nobody', { url: 'redis://127.0.0.1:1', now: () => now });
  for (let at = 0; at < 3; at += 1) await alone.after('tool:crm', false);
  expect(await alone.before('tool:crm')).toEqual({ allowed: false, until: 601_000, waitMs: 600_000 });
  now = 601_000;
  expect((await alone.before('tool:crm')).allowed).toBe(true);
});
