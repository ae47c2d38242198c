import { describe, expect, test } from 'vitest';
import { callWithPolicy, noteOf } from '../../../agents/tools/call-chain.ts';
import { openResultCache } from '../../../agents/tools/result-cache.ts';
import { checkToolPolicies } from '../../../agents/tools/tool-policy.ts';
import type { ToolDefinition } from '../../../schemas/agent-definition.ts';
import { FreshetError } from '../../../schemas/errors.ts';
import { effectsOf, scriptedTool } from './tools-under-test.ts';

const broken = { failure: new Error('the shop is closed') };
const refused = { failure: new FreshetError('not-found', 'there is no such order') };
const chainOf = (tool: ToolDefinition, others: readonly ToolDefinition[] = [], limitMs = 10_000) => ({
  tool,
  tools: [tool, ...others],
  input: { of: 'order 7' },
  tenant: 'acme',
  agent: 'support',
  limitMs,
  signal: new AbortController().signal,
});

describe('retries', () => {
  test('a failure that may pass is tried again, so often and no more', async () => {
    const shop = scriptedTool('shop', [broken, broken, { answer: 'shipped' }], { retries: 2 });
    const result = await callWithPolicy(chainOf(shop.tool), effectsOf('acme', null));
    expect(result).toMatchObject({ outcome: { output: 'shipped', failure: null }, via: 'tool', attempts: 3 });
    expect(result.failures.map(({ message }) => message)).toEqual([
      'the shop is closed',
      'the shop is closed',
    ]);
    expect(result.outcome.durationMicros).toBeGreaterThan(290_000);
    expect(noteOf(result)).toBeNull();

    const closed = scriptedTool('shop', [broken], { retries: 1 });
    const failed = await callWithPolicy(chainOf(closed.tool), effectsOf('acme', null));
    expect(failed).toMatchObject({
      outcome: { output: null, failure: { code: 'tool-failed' } },
      attempts: 2,
    });
    expect(closed.calls()).toBe(2);
  });

  test('one that would come again is not', async () => {
    const shop = scriptedTool('shop', [refused], { retries: 3 });
    const result = await callWithPolicy(chainOf(shop.tool), effectsOf('acme', null));
    expect(result).toMatchObject({ outcome: { failure: { code: 'not-found' } }, attempts: 1 });
  });

  test('a hanging tool is ended by its own timeout, and the chain by its limit', async () => {
    const shop = scriptedTool('shop', [{ hangs: true }], { retries: 5, timeoutMs: 1_000 });
    const began = performance.now();
    const result = await callWithPolicy(chainOf(shop.tool, [], 2_500), effectsOf('acme', null));
    expect(result.outcome.failure).toMatchObject({ code: 'timeout' });
    // Six tries of a second each, were there no limit.
    expect(performance.now() - began).toBeLessThan(5_500);
    // A slow machine gets to fewer of them, but to more than the one that hung.
    expect(shop.calls()).toBeGreaterThanOrEqual(2);
    expect(shop.calls()).toBeLessThanOrEqual(3);
  });

  test('an effect is made again only under its key, and stays uncertain where one try was', async () => {
    const once = scriptedTool('charge', [broken], { effect: 'write', retries: 3 });
    await callWithPolicy(chainOf(once.tool), effectsOf('acme', null));
    expect(once.calls()).toBe(1);
    const keyed = scriptedTool('charge', [{ hangs: true }, refused], {
      effect: 'write',
      retries: 3,
      timeoutMs: 50,
      takesIdempotencyKey: true,
    });
    const result = await callWithPolicy(chainOf(keyed.tool), effectsOf('acme', null));
    expect(keyed.calls()).toBe(2);
    expect(result.outcome.failure).toMatchObject({ code: 'timeout', uncertain: true });
  });

  test('a worker that stops ends the chain at once', async () => {
    const controller = new AbortController();
    const shop = scriptedTool('shop', [broken], { retries: 10, fallback: { answer: 'later' } });
    setTimeout(() => controller.abort(), 50);
    const began = performance.now();
    const chain = { ...chainOf(shop.tool, [], 60_000), signal: controller.signal };
    const result = await callWithPolicy(chain, effectsOf('acme', null, controller.signal));
    expect(performance.now() - began).toBeLessThan(20_000);
    expect(result).toMatchObject({
      via: 'tool',
      outcome: { output: null, failure: { code: 'tool-failed' } },
    });
  });
});

describe('what stands in', () => {
  test('another tool, in the order named, with its own retries', async () => {
    const shop = scriptedTool('shop', [broken], { fallback: { tools: ['archive', 'phone'] } });
    const archive = scriptedTool('archive', [refused]);
    const phone = scriptedTool('phone', [broken, { answer: 'they say: shipped' }], { retries: 1 });
    const chain = chainOf(shop.tool, [archive.tool, phone.tool]);
    const result = await callWithPolicy(chain, effectsOf('acme', null));
    expect(result).toMatchObject({
      outcome: { output: 'they say: shipped' },
      via: 'fallback:phone',
      attempts: 4,
    });
    expect(noteOf(result)).toBe('The tool failed (the shop is closed). This is the answer of phone.');
  });

  test('a tool whose schema the arguments do not fit is passed over without a call', async () => {
    const shop = scriptedTool('shop', [broken], { fallback: { tools: ['archive'], answer: null } });
    const archive = scriptedTool('archive', [{ answer: 'never' }]);
    const chain = { ...chainOf(shop.tool, [archive.tool]), input: { of: 7 } };
    const result = await callWithPolicy(chain, effectsOf('acme', null));
    expect(result).toMatchObject({ outcome: { output: null, failure: null }, via: 'stated', attempts: 1 });
    expect(archive.calls()).toBe(0);
  });

  test('the last answer however old, with its age, then a stated one', async () => {
    let now = 1_000_000;
    const cache = openResultCache({ now: () => now });
    const shop = scriptedTool('shop', [{ answer: 'shipped' }, broken], {
      cache: { ttlMs: 1_000 },
      fallback: { cached: true, answer: { state: 'unknown' } },
    });
    const effects = effectsOf('acme', cache);
    expect((await callWithPolicy(chainOf(shop.tool), effects)).via).toBe('tool');
    now += 900;
    expect(await callWithPolicy(chainOf(shop.tool), effects)).toMatchObject({
      via: 'cache',
      attempts: 0,
      ageMs: 900,
      outcome: { output: 'shipped' },
    });
    now += 60_000;
    const stale = await callWithPolicy(chainOf(shop.tool), effects);
    expect(stale).toMatchObject({
      via: 'stale-cache',
      attempts: 1,
      ageMs: 60_900,
      outcome: { output: 'shipped' },
    });
    expect(noteOf(stale)).toContain('from 61 s ago; it may be out of date');
    const other = { ...chainOf(shop.tool), tenant: 'globex' };
    expect(await callWithPolicy(other, effects)).toMatchObject({
      via: 'stated',
      outcome: { output: { state: 'unknown' } },
    });
  });

  test('an answer that must be fresh is neither looked for nor kept', async () => {
    const shop = scriptedTool('shop', [{ answer: 'a' }, { answer: 'b' }], { cache: { ttlMs: 60_000 } });
    const cache = openResultCache();
    expect((await callWithPolicy(chainOf(shop.tool), effectsOf('acme', null))).via).toBe('tool');
    expect((await callWithPolicy(chainOf(shop.tool), effectsOf('acme', cache))).outcome.output).toBe('b');
    expect((await callWithPolicy(chainOf(shop.tool), effectsOf('acme', null))).via).toBe('tool');
    expect((await callWithPolicy(chainOf(shop.tool), effectsOf('acme', cache))).via).toBe('cache');
  });
});

test.each([
  ['a fallback that is none of its tools', { fallback: { tools: ['nobody'] } }, /nobody is no tool/],
  ['itself', { fallback: { tools: ['shop'] } }, /its own fallback/],
  ['a fallback with an effect', { fallback: { tools: ['charge'] } }, /charge has an effect/],
  ['a cached effect', { effect: 'write' as const, cache: { ttlMs: 1 } }, /neither cached nor stood in for/],
  ['an effect made again without its key', { effect: 'write' as const, retries: 1 }, /takesIdempotencyKey/],
  ['half a retry', { retries: 0.5 }, /whole number/],
  ['a cache of no time', { cache: { ttlMs: 0 } }, /ttlMs/],
  [
    'a host inside without its port',
    { fetch: { allowInside: ['tickets'] } },
    /fetch\.allowInside\.0: one host/,
  ],
  ['a bound that is none of a fetch', { fetch: { maxByte: 1 } as object }, /fetch: .*maxByte/],
  ['a price in words', { costUsd: '$0.01' }, /costUsd/],
  ['a sub-task of no amount', { subtask: { agent: 'other', maxUsd: 'half' } }, /maxUsd/],
  ['no time at all', { timeoutMs: 0 }, /timeoutMs/],
  ['a time that is none', { timeoutMs: Number.NaN }, /timeoutMs/],
  ['half a call', { maxCalls: 1.5 }, /maxCalls/],
])('refused at start: %s', (_, terms, message) => {
  const { tool } = scriptedTool('shop', [], terms);
  const { tool: charge } = scriptedTool('charge', [], { effect: 'write' });
  expect(() => checkToolPolicies('support', [tool, charge])).toThrow(message);
});
