/** Results shared through the Redis of the run, by two workers that are two caches here. */
import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, inject, test } from 'vitest';
import { callWithPolicy } from '../../../agents/tools/call-chain.ts';
import { openResultCache, resultKey } from '../../../agents/tools/result-cache.ts';
import { openSharedCache, type SharedCache } from '../../../connectors/redis/shared-cache.ts';
import { effectsOf, scriptedTool } from './tools-under-test.ts';

const open: SharedCache[] = [];
afterEach(() => {
  for (const cache of open.splice(0)) cache.close();
});

const sharedCache = async (url = inject('stack').redis): Promise<SharedCache> => {
  // A slow machine's Redis takes longer than a cache waits by itself, which then rests.
  const shared = openSharedCache({ url, timeoutMs: 20_000 });
  open.push(shared);
  if (url !== inject('stack').redis) return shared;
  const key = `ready:${randomUUID()}`;
  await expect
    .poll(async () => {
      await shared.set(key, 'yes', 5_000);
      return shared.get(key);
    })
    .toBe('yes');
  return shared;
};

const ACME = { tenant: 'acme', agent: 'support' };

const chainOf = (tool: ReturnType<typeof scriptedTool>['tool'], tenant: string) => ({
  tool,
  tools: [tool],
  input: { of: randomUUID() },
  tenant,
  agent: 'support',
  limitMs: 5_000,
  signal: new AbortController().signal,
});

describe('through Redis', () => {
  test('what one worker was answered, another is not asked for; another tenant is (I9)', async () => {
    const shop = scriptedTool('shop', [{ answer: { state: 'shipped' } }], { cache: { ttlMs: 60_000 } });
    const one = openResultCache({ shared: await sharedCache() });
    const other = openResultCache({ shared: await sharedCache() });
    const chain = chainOf(shop.tool, 'acme');
    expect((await callWithPolicy(chain, effectsOf('acme', one))).via).toBe('tool');
    await expect.poll(() => other.find(resultKey(chain, shop.tool, chain.input), 60_000)).not.toBeNull();
    const second = await callWithPolicy(chain, effectsOf('acme', other));
    expect(second).toMatchObject({ via: 'cache', attempts: 0, outcome: { output: { state: 'shipped' } } });
    const globex = await callWithPolicy({ ...chain, tenant: 'globex' }, effectsOf('globex', other));
    expect(globex.via).toBe('tool');
    expect(shop.calls()).toBe(2);
  });

  test('a newer answer of another worker takes the place of an old one', async () => {
    const shop = scriptedTool('shop', [{ answer: 1 }]);
    let now = Date.now();
    const one = openResultCache({ shared: await sharedCache(), now: () => now });
    const other = openResultCache({ shared: await sharedCache(), now: () => now });
    const key = resultKey(ACME, shop.tool, { of: randomUUID() });
    one.keep(key, 'old', 60_000);
    // Two connections: what is sent by the one first may come to Redis last.
    await expect.poll(async () => (await other.find(key, 60_000))?.output).toBe('old');
    now += 5_000;
    other.keep(key, 'new', 60_000);
    await expect.poll(async () => (await one.find(key, 1_000))?.output).toBe('new');
  });

  test('what somebody else wrote into Redis is no result', async () => {
    const shared = await sharedCache();
    const cache = openResultCache({ shared });
    const key = resultKey(ACME, scriptedTool('shop', []).tool, { of: randomUUID() });
    for (const text of ['no json', '{}', '{"text":"{","at":1,"until":9e15}']) {
      await shared.set(`freshet:tool-result:${key}`, text, 5_000);
      expect(await cache.find(key, 60_000)).toBeNull();
    }
  });

  test('with Redis away the process has its own results', async () => {
    const shop = scriptedTool('shop', [{ answer: 'shipped' }], { cache: { ttlMs: 60_000 } });
    const cache = openResultCache({ shared: await sharedCache('redis://127.0.0.1:1') });
    const chain = chainOf(shop.tool, 'acme');
    expect((await callWithPolicy(chain, effectsOf('acme', cache))).via).toBe('tool');
    expect((await callWithPolicy(chain, effectsOf('acme', cache))).via).toBe('cache');
  });
});
