import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { createRedisClient } from '../../../connectors/redis/redis-client.ts';
import { openRedisConnection } from '../../../connectors/redis/redis-connection.ts';
import { createRedisSessionStore } from '../../../connectors/redis/redis-session-store.ts';
import { createRedisUseCounts } from '../../../connectors/redis/redis-use-counts.ts';
import type { SessionKey, SessionStore } from '../../../connectors/redis/session-store.ts';
import type { SessionPolicy } from '../../../schemas/memory-policy.ts';
import { turn } from '../../agents/memory/turns.ts';

const POLICY: SessionPolicy = { ttlMs: 60_000, maxTurns: 3, maxCharacters: 1_000 };
const NOW = Date.now();

let store: SessionStore;
let other: SessionStore;

beforeAll(() => {
  store = createRedisSessionStore(openRedisConnection(inject('stack').redis));
  other = createRedisSessionStore(openRedisConnection(inject('stack').redis));
});
afterAll(async () => {
  await store.close();
  await other.close();
});

const session = (over: Partial<SessionKey> = {}): SessionKey => ({
  tenant: 'acme',
  agent: 'support',
  sessionId: `s-${randomUUID()}`,
  ...over,
});
const at = (number: number, over: Parameters<typeof turn>[1] = {}) =>
  turn(number, { at: NOW * 1_000 + number, ...over });
const idsOf = async (key: SessionKey): Promise<readonly string[]> =>
  (await store.read(key, 0)).turns.map(({ executionId }) => executionId);

describe('a session in Redis', () => {
  test('a turn written twice, or by two at once, stands once; what it says comes back whole', async () => {
    const key = session();
    const said = at(1, { question: 'Größe? | "{\u2028}" 😀', answer: 'a|1|2|{"x":1}' });
    const written = await Promise.all([store.write(key, said, POLICY), other.write(key, said, POLICY)]);
    expect(written.map((each) => each.written).sort()).toEqual([false, true]);
    expect(await store.write(key, { ...said, answer: 'another' }, POLICY)).toMatchObject({
      written: false,
      turns: 1,
    });
    expect((await store.read(key, 0)).turns).toEqual([said]);
  });

  test('turns come in the order of the journal, however they were written', async () => {
    const key = session();
    for (const number of [3, 1, 2]) await store.write(key, at(number), POLICY);
    expect(await idsOf(key)).toEqual(['execution-1', 'execution-2', 'execution-3']);
  });

  test('is one tenant’s, agent’s and session’s, whatever they are called', async () => {
    const names = [
      session(),
      session({ sessionId: 'x","y', agent: 'support' }),
      session({ sessionId: 'y', agent: 'support","x' }),
      session({ tenant: 'brim\n*', sessionId: '__proto__' }),
    ];
    for (const [number, key] of names.entries()) await store.write(key, at(number), POLICY);
    for (const [number, key] of names.entries()) {
      expect(await idsOf(key)).toEqual([`execution-${number}`]);
      await store.drop(key, [`execution-${number}`]);
    }
  });

  test('never passes twice its caps, and what was dropped for that does not come back', async () => {
    const key = session();
    for (let number = 1; number <= 9; number += 1) {
      const { turns } = await store.write(key, at(number), POLICY);
      expect(turns).toBeLessThanOrEqual(6);
    }
    expect(await idsOf(key)).toEqual([4, 5, 6, 7, 8, 9].map((number) => `execution-${number}`));
    expect(await store.write(key, at(2), POLICY)).toMatchObject({ written: false });
    const large = session();
    for (let number = 1; number <= 5; number += 1) {
      const { characters } = await store.write(large, at(number, { answer: 'x'.repeat(900) }), POLICY);
      expect(characters).toBeLessThanOrEqual(2_000);
    }
    expect(await idsOf(large)).toEqual(['execution-4', 'execution-5']);
  });

  test('what moved on is gone for good, and of what was dropped the count is right', async () => {
    const key = session();
    for (const number of [1, 2, 3]) await store.write(key, at(number), POLICY);
    await store.remove(key, [at(1), at(2)]);
    expect(await idsOf(key)).toEqual(['execution-3']);
    expect(await store.write(key, at(2), POLICY)).toMatchObject({ written: false, turns: 1 });
    expect(await store.drop(key, ['execution-3', 'execution-9'])).toBe(1);
    expect(await store.write(key, at(3), POLICY)).toMatchObject({ written: true, turns: 1 });
  });

  test('goes in the end also where it was gone when its turns moved on: what is noted of them is not kept for ever', async () => {
    const key = session();
    await store.remove(key, [at(1)]);
    expect(await store.write(key, at(1), POLICY)).toMatchObject({ written: false });
    const redis = createRedisClient(inject('stack').redis);
    onTestFinished(() => redis.disconnect());
    await once(redis, 'ready');
    const name = `freshet:session:${JSON.stringify([key.tenant, key.agent, key.sessionId])}`;
    expect(await redis.pttl(name)).toBeGreaterThan(0);
  });

  test('is due once it was quiet, is one asker’s at a time, and is again where it was not settled', async () => {
    const key = session({ tenant: `t-${randomUUID()}` });
    const isKey = (each: SessionKey) => each.tenant === key.tenant;
    await store.write(key, at(1), POLICY);
    const due = async (now: number) => (await store.due(now, 1_000, 10_000)).filter(isKey).length;
    const quiet = NOW + POLICY.ttlMs + 1_000;
    expect(await due(NOW + 1_000)).toBe(0);
    expect(await due(quiet)).toBe(1);
    expect(await due(quiet)).toBe(0);
    expect(await due(quiet + 2_000)).toBe(1);
    // Something was said meanwhile: it goes on.
    await store.write(key, at(2, { at: (quiet + 2_000) * 1_000 }), POLICY);
    await store.settled(key);
    expect(await due(quiet + 2_500)).toBe(0);
    expect(await store.list(isKey, 10)).toEqual([key]);
    await store.remove(key, [at(1), at(2)]);
    await store.settled(key);
    expect(await due(quiet + 10_000_000)).toBe(0);
    expect(await store.list(isKey, 10)).toEqual([]);
  });

  test('is due though somebody else wrote what is none among those that are', async () => {
    const key = session();
    await store.write(key, at(1), POLICY);
    const redis = createRedisClient(inject('stack').redis);
    onTestFinished(() => redis.disconnect());
    await once(redis, 'ready');
    const none = ['freshet:session:{', 'freshet:session:[1]', 'x', 'freshet:session:null'];
    await redis.zadd('freshet:sessions:due', ...none.flatMap((name) => [1, name]));
    expect(await store.due(NOW + 2 * POLICY.ttlMs, 1_000, 10_000)).toContainEqual(key);
    expect(await store.list(({ sessionId }) => sessionId === key.sessionId, 5)).toEqual([key]);
    await redis.zrem('freshet:sessions:due', ...none);
  });

  test('is whole once that was said in this life of the server, for its partition', async () => {
    const key = session();
    const life = await store.life();
    expect(life).toBe(await other.life());
    await store.complete(900_001, 'another life');
    expect((await store.read(key, 900_001)).whole).toBe(false);
    await store.complete(900_001, life);
    expect((await other.read(key, 900_001)).whole).toBe(true);
    expect((await store.read(key, 900_002)).whole).toBe(false);
    await store.incomplete(900_001);
    expect((await store.read(key, 900_001)).whole).toBe(false);
  });
});

test('a server that is not there is said within seconds, not waited for', async () => {
  const away = createRedisSessionStore(openRedisConnection('redis://127.0.0.1:1'));
  const took: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    const begun = performance.now();
    await expect(away.read(session(), 0)).rejects.toMatchObject({ code: 'unavailable' });
    took.push(performance.now() - begun);
  }
  // The quickest: a busy machine adds to the others.
  expect(Math.min(...took)).toBeLessThan(5_000);
  await away.close();
});

test('uses are counted for a namespace, and forgotten with their memory', async () => {
  const connection = openRedisConnection(inject('stack').redis);
  const uses = createRedisUseCounts(connection);
  const name = randomUUID();
  await uses.add(name, ['a', 'b'], 5);
  await uses.add(name, ['a'], 9);
  expect(await uses.read(name)).toEqual(
    new Map([
      ['a', { count: 2, lastAt: 9 }],
      ['b', { count: 1, lastAt: 5 }],
    ]),
  );
  await uses.forget(name, ['a']);
  expect([...(await uses.read(name)).keys()]).toEqual(['b']);
  expect((await uses.read(randomUUID())).size).toBe(0);
  await connection.close();
});
