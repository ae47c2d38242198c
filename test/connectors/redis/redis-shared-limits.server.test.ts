/** Limits of providers that workers share, on a real Redis; what it decides is held against the pure limits. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { afterAll, describe, expect, inject, test } from 'vitest';
import { createCallLimiter } from '../../../connectors/models/language/call-limiter.ts';
import { createExtractiveModel } from '../../../connectors/models/language/extractive-model.ts';
import type {
  LanguageModel,
  ModelReply,
  ModelRequest,
} from '../../../connectors/models/language/language-model.ts';
import { languageModelsFromConfig } from '../../../connectors/models/language/language-models-from-config.ts';
import { createLimitedModel } from '../../../connectors/models/language/limited-model.ts';
import { admit, enqueue, NO_CALLS, settle } from '../../../connectors/models/language/limiter-state.ts';
import { createProviderHold } from '../../../connectors/models/language/provider-hold.ts';
import type { SharedLimits } from '../../../connectors/models/language/shared-limits.ts';
import { openRedisSharedLimits } from '../../../connectors/redis/redis-shared-limits.ts';
import { answer, refuse, startChatServer } from '../models/language/chat-completions-server.ts';

const ANY = Number.POSITIVE_INFINITY;
const NOWHERE = 'redis://127.0.0.1:1';
const request: ModelRequest = {
  system: '',
  messages: [{ role: 'user', content: 'What is the return window?' }],
  maxOutputTokens: 64,
};
const open: SharedLimits[] = [];
afterAll(() => Promise.all(open.map((each) => each.close())));

const worker = async (
  group: string,
  over: { readonly url?: string; readonly windowMs?: number; readonly leaseMs?: number } = {},
): Promise<SharedLimits> => {
  const limits = await openRedisSharedLimits({ url: inject('stack').redis, group, ...over });
  open.push(limits);
  return limits;
};

const keysOf = async (pattern: string): Promise<readonly string[]> => {
  const redis = new Redis(inject('stack').redis);
  try {
    return await redis.keys(pattern);
  } finally {
    redis.disconnect();
  }
};

/** A worker's limiter in front of a model whose calls end when they are told to, each having used `used` tokens. */
const limiterOf = (
  shared: SharedLimits,
  {
    requestsPerMinute = ANY,
    tokensPerMinute = ANY,
  }: { requestsPerMinute?: number; tokensPerMinute?: number },
) => {
  const limits = { concurrency: ANY, requestsPerMinute, tokensPerMinute };
  const now = () => performance.now();
  const hold = createProviderHold(now, shared.holdOf('p'));
  const window = shared.windowOf('p', 'm', limits);
  const limiter = createCallLimiter({ limits, hold, shared: window, maxHoldMs: 60_000, now });
  const ends: ((used: number) => void)[] = [];
  const model: LanguageModel = {
    ...createExtractiveModel(),
    id: 'held',
    estimate: () => ({ inputTokens: 30, outputTokens: 20 }),
    generate: () =>
      new Promise<ModelReply>((resolve) =>
        ends.push((used) =>
          resolve({
            ...{ text: 'Yes.', toolCalls: [], finishReason: 'stop' },
            usage: { inputTokens: used, outputTokens: 0, cachedInputTokens: 0, reported: true },
          }),
        ),
      ),
  };
  return { limiter, hold, ends, limited: createLimitedModel(model, { limiter, hold }) };
};

describe('requests and tokens of a minute', () => {
  test('are counted for all workers together', async () => {
    const group = randomUUID();
    const [a, b] = await Promise.all([worker(group), worker(group)]);
    const one = a.windowOf('p', 'm', { requestsPerMinute: 3, tokensPerMinute: ANY });
    const two = b.windowOf('p', 'm', { requestsPerMinute: 3, tokensPerMinute: ANY });
    const call = (id: number) => ({ id, tokens: 1 });
    expect(await one.take([call(0), call(1)])).toMatchObject({ taken: 2, heldMs: 0 });
    expect(await two.take([call(0), call(1)])).toMatchObject({ taken: 1 });
    expect(await two.take([call(1)])).toMatchObject({ taken: 0 });
  });

  test('come back when their minute is over', async () => {
    const window = (await worker(randomUUID(), { windowMs: 300 })).windowOf('p', 'm', {
      ...{ requestsPerMinute: 1, tokensPerMinute: ANY },
    });
    for (let id = 0; id < 3; id += 1)
      await expect.poll(async () => (await window.take([{ id, tokens: 1 }]))?.taken).toBe(1);
  });

  test('another worker goes when a call has used less than it reserved', async () => {
    const group = randomUUID();
    const [a, b] = [
      limiterOf(await worker(group), { tokensPerMinute: 80 }),
      limiterOf(await worker(group), { tokensPerMinute: 80 }),
    ];
    const first = a.limited.generate(request);
    await expect.poll(() => a.ends.length).toBe(1);
    const second = b.limited.generate(request);
    await sleep(400);
    expect([b.ends.length, b.limiter.waiting()]).toEqual([0, 1]);
    a.ends[0]?.(10);
    await first;
    await expect.poll(() => b.ends.length).toBe(1);
    b.ends[0]?.(10);
    await second;
  });

  test('a place of a call that was given up meanwhile is given back', async () => {
    const shared = await worker(randomUUID());
    const window = shared.windowOf('p', 'm', { requestsPerMinute: 1, tokensPerMinute: 100 });
    expect((await window.take([{ id: 0, tokens: 100 }]))?.taken).toBe(1);
    window.giveBack(0);
    expect((await window.take([{ id: 1, tokens: 100 }]))?.taken).toBe(1);
  });

  test('who has waited longest is first: a large call is not passed for ever by small ones of others', async () => {
    const group = randomUUID();
    const limits = { requestsPerMinute: ANY, tokensPerMinute: 100 };
    const leaseMs = 600_000;
    const [a, b] = await Promise.all([worker(group, { leaseMs }), worker(group, { leaseMs })]);
    const [large, small] = [a.windowOf('p', 'm', limits), b.windowOf('p', 'm', limits)];
    expect((await small.take([{ id: 0, tokens: 40 }]))?.taken).toBe(1);
    expect((await large.take([{ id: 0, tokens: 90 }]))?.taken).toBe(0);
    // There is room for it, but somebody came before.
    expect((await small.take([{ id: 1, tokens: 40 }]))?.taken).toBe(0);
    small.settle(0, 0);
    expect((await small.take([{ id: 1, tokens: 40 }]))?.taken).toBe(0);
    expect((await large.take([{ id: 0, tokens: 90 }]))?.taken).toBe(1);
    expect((await small.take([{ id: 1, tokens: 10 }]))?.taken).toBe(1);
  });

  test('a worker that waited and is gone holds back nobody for long', async () => {
    const group = randomUUID();
    const limits = { requestsPerMinute: ANY, tokensPerMinute: 100 };
    const [a, b] = await Promise.all([worker(group), worker(group)]);
    const [gone, left] = [a.windowOf('p', 'm', limits), b.windowOf('p', 'm', limits)];
    expect((await left.take([{ id: 0, tokens: 50 }]))?.taken).toBe(1);
    expect((await gone.take([{ id: 0, tokens: 90 }]))?.taken).toBe(0);
    await expect.poll(async () => (await left.take([{ id: 1, tokens: 10 }]))?.taken).toBe(1);
  });

  test('Redis decides as the pure limits do, whoever comes, ends and gives back', async () => {
    const upTo = (max: number) => fc.oneof(fc.integer({ min: 1, max }), fc.constant(ANY));
    const events = fc.array(
      fc.oneof(
        fc.record({ kind: fc.constant('come' as const), tokens: fc.integer({ min: 0, max: 700 }) }),
        fc.record({
          kind: fc.constant('end' as const),
          which: fc.nat(20),
          used: fc.integer({ min: 0, max: 900 }),
        }),
      ),
      { maxLength: 40, size: 'max' },
    );
    const shared = await worker(randomUUID());
    let model = 0;
    await fc.assert(
      fc.asyncProperty(upTo(6), upTo(500), events, async (requestsPerMinute, tokensPerMinute, happens) => {
        const window = shared.windowOf('p', `m-${model++}`, { requestsPerMinute, tokensPerMinute });
        const limits = { concurrency: ANY, requestsPerMinute, tokensPerMinute };
        let state = NO_CALLS;
        const running: number[] = [];
        for (const [id, event] of happens.entries()) {
          if (event.kind === 'come') state = enqueue(state, { id, tokens: event.tokens });
          const [ended] =
            event.kind === 'end' ? running.splice(event.which % Math.max(1, running.length), 1) : [];
          if (event.kind === 'end' && ended !== undefined) {
            state = settle(state, ended, event.used);
            window.settle(ended, event.used);
          }
          const asked = state.waiting;
          const admission = admit(state, limits, id);
          ({ state } = admission);
          running.push(...admission.admitted);
          if (asked.length > 0) expect((await window.take(asked))?.taken).toBe(admission.admitted.length);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('nothing is kept for longer than it counts', async () => {
    const group = randomUUID();
    const shared = await worker(group, { windowMs: 200 });
    const window = shared.windowOf('p', 'm', { requestsPerMinute: 1, tokensPerMinute: 10 });
    await window.take([{ id: 0, tokens: 5 }]);
    await window.take([{ id: 1, tokens: 5 }]);
    const redis = new Redis(inject('stack').redis);
    try {
      await expect.poll(() => redis.keys(`freshet:limits:{${group}}:*`)).toEqual([]);
    } finally {
      redis.disconnect();
    }
  });
});

describe('what one worker is told', () => {
  test('holds back all of its group, each model of the provider, and nobody else', async () => {
    const server = await startChatServer();
    try {
      const group = randomUUID();
      const [a, b, other] = await Promise.all([worker(group), worker(group), worker(randomUUID())]);
      const entry = { kind: 'openai-compatible', baseUrl: server.baseUrl, apiKey: 'sk-1' } as const;
      const languageModel = [
        { ...entry, model: 'small' },
        { ...entry, model: 'large' },
      ];
      const [small] = languageModelsFromConfig({ languageModel }, a);
      const [, large] = languageModelsFromConfig({ languageModel }, b);
      const [foreign] = languageModelsFromConfig({ languageModel }, other);
      server.next(refuse(429, {}, { 'retry-after': '3600' }));
      await expect(small?.generate(request)).rejects.toMatchObject({ retryAfterMs: 3_600_000 });
      const before = server.seen.length;
      const told = { reason: 'rate-limited', retryable: true, mayHaveCost: false };
      // The word is on its way to Redis when the call fails.
      await expect.poll(() => keysOf(`freshet:limits:{${group}}:hold:*`)).toHaveLength(1);
      await expect(large?.generate(request)).rejects.toMatchObject(told);
      expect(server.seen.length).toBe(before);
      server.next(answer(['Yes.']));
      expect((await foreign?.generate(request))?.text).toBe('Yes.');
    } finally {
      await server.close();
    }
  });

  test('without a time it is held for longer with each refusal in a row, whoever is refused', async () => {
    const group = randomUUID();
    const [a, b] = await Promise.all([worker(group), worker(group)]);
    const window = b.windowOf('p', 'm', { requestsPerMinute: ANY, tokensPerMinute: ANY });
    const refusals = async () => (await window.take([]))?.refusals;
    const noLongerHeld = async () => (await window.take([]))?.heldMs === 0;
    a.holdOf('p').refused(null);
    await expect.poll(refusals).toBe(1);
    await expect.poll(noLongerHeld).toBe(true);
    b.holdOf('p').refused(null);
    await expect.poll(refusals).toBe(2);
    b.holdOf('p').answered();
    await expect.poll(refusals).toBe(0);
  });

  test('refusals of calls that were under way together are one, and the longest time that was said stands', async () => {
    const group = randomUUID();
    const [a, b] = await Promise.all([worker(group), worker(group)]);
    const window = a.windowOf('p', 'm', { requestsPerMinute: ANY, tokensPerMinute: ANY });
    a.holdOf('p').refused(600_000);
    await expect.poll(async () => (await window.take([]))?.heldMs).toBeGreaterThan(0);
    b.holdOf('p').refused(null);
    b.holdOf('p').refused(1_000);
    b.holdOf('q').refused(null);
    // Said on one connection, one after the other.
    await expect.poll(() => keysOf(`freshet:limits:{${group}}:hold:q`)).toHaveLength(1);
    const { heldMs, refusals } = (await window.take([])) ?? {};
    expect(heldMs).toBeGreaterThan(300_000);
    expect(refusals).toBe(0);
  });
});

describe('without Redis', () => {
  test('each worker goes by what it has seen itself', async () => {
    const group = randomUUID();
    const a = limiterOf(await worker(group, { url: NOWHERE }), { requestsPerMinute: 1 });
    const b = limiterOf(await worker(group, { url: NOWHERE }), { requestsPerMinute: 1 });
    const first = a.limited.generate(request);
    await expect.poll(() => a.ends.length).toBe(1);
    const second = a.limited.generate({ ...request, signal: AbortSignal.timeout(300) });
    await expect(second).rejects.toMatchObject({ reason: 'cancelled' });
    expect(a.ends).toHaveLength(1);
    const third = b.limited.generate(request);
    await expect.poll(() => b.ends.length).toBe(1);
    for (const end of [...a.ends, ...b.ends]) end(5);
    await Promise.all([first, third]);
    a.hold.refused(5_000);
    expect(a.hold.remainingMs()).toBeGreaterThan(0);
    expect(b.hold.remainingMs()).toBe(0);
  });
});
