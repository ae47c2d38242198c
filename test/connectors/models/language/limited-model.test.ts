/** Limits and holds over the real adapter and a local server: who waits, who is told, who goes. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MAX_HOLD_MS } from '../../../../connectors/guarded-calls/retry-state.ts';
import { createCallLimiter } from '../../../../connectors/models/language/call-limiter.ts';
import { createExtractiveModel } from '../../../../connectors/models/language/extractive-model.ts';
import { unsaidHoldMs } from '../../../../connectors/models/language/hold-state.ts';
import type {
  LanguageModel,
  ModelReply,
  ModelRequest,
} from '../../../../connectors/models/language/language-model.ts';
import { languageModelsFromConfig } from '../../../../connectors/models/language/language-models-from-config.ts';
import { createLimitedModel } from '../../../../connectors/models/language/limited-model.ts';
import { createProviderHold } from '../../../../connectors/models/language/provider-hold.ts';
import { answer, refuse, startChatServer } from './chat-completions-server.ts';

const request: ModelRequest = {
  system: '',
  messages: [{ role: 'user', content: 'What is the return window?' }],
  maxOutputTokens: 64,
};
const NO_LIMITS = {
  concurrency: Number.POSITIVE_INFINITY,
  requestsPerMinute: Number.POSITIVE_INFINITY,
  tokensPerMinute: Number.POSITIVE_INFINITY,
};
const REPLY: ModelReply = {
  text: 'Thirty days.',
  toolCalls: [],
  finishReason: 'stop',
  usage: { inputTokens: 4, outputTokens: 3, cachedInputTokens: 0, reported: true },
};
const now = () => performance.now();
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

let server: Awaited<ReturnType<typeof startChatServer>>;
beforeAll(async () => {
  server = await startChatServer();
});
afterAll(() => server.close());

const configured = (model: string, limits = {}) =>
  ({ kind: 'openai-compatible', baseUrl: server.baseUrl, model, apiKey: 'sk-1', limits }) as const;

/** A model whose calls end when they are told to. */
const heldModel = () => {
  const ends: ((reply: ModelReply) => void)[] = [];
  const model: LanguageModel = {
    ...createExtractiveModel(),
    id: 'held',
    estimate: () => ({ inputTokens: 30, outputTokens: 20 }),
    generate: () => new Promise((resolve) => ends.push(resolve)),
  };
  return { model, ends };
};

const openLimited = (limits: Partial<typeof NO_LIMITS>) => {
  const hold = createProviderHold(now);
  const limiter = createCallLimiter({ limits: { ...NO_LIMITS, ...limits }, hold, maxHoldMs: 1_000, now });
  const { model, ends } = heldModel();
  return { limiter, ends, limited: createLimitedModel(model, { limiter, hold }) };
};

describe('the limits of a model', () => {
  test('so many calls at once, the next when one has ended', async () => {
    const { limited, limiter, ends } = openLimited({ concurrency: 2 });
    const calls = [1, 2, 3].map(() => limited.generate(request));
    await expect.poll(() => [ends.length, limiter.waiting()]).toEqual([2, 1]);
    ends[0]?.(REPLY);
    await calls[0];
    await expect.poll(() => ends.length).toBe(3);
    for (const end of ends) end(REPLY);
    await expect(Promise.all(calls)).resolves.toHaveLength(3);
  });

  test('tokens of a minute: reserved by the estimate, given back by the usage', async () => {
    const { limited, limiter, ends } = openLimited({ tokensPerMinute: 60 });
    const first = limited.generate(request);
    const second = limited.generate(request);
    await expect.poll(() => [ends.length, limiter.waiting()]).toEqual([1, 1]);
    ends[0]?.(REPLY);
    await first;
    await expect.poll(() => ends.length).toBe(2);
    ends[1]?.(REPLY);
    await second;
  });

  test('a wait ends with the signal of its call, sends nothing, and lets the next one pass', async () => {
    const { limited, limiter, ends } = openLimited({ concurrency: 1 });
    const first = limited.generate(request);
    const controller = new AbortController();
    const second = limited.generate({ ...request, signal: controller.signal });
    const third = limited.generate(request);
    controller.abort();
    await expect(second).rejects.toMatchObject({ reason: 'cancelled', retryable: false, mayHaveCost: false });
    expect(limiter.waiting()).toBe(1);
    ends[0]?.(REPLY);
    await first;
    await expect.poll(() => ends.length).toBe(2);
    ends[1]?.(REPLY);
    await third;
    await expect(limited.generate({ ...request, signal: AbortSignal.abort() })).rejects.toMatchObject({
      reason: 'cancelled',
    });
  });

  test('of a configuration hold its calls: one at a time reaches the server', async () => {
    const [model] = languageModelsFromConfig({ languageModel: configured('one', { concurrency: 1 }) });
    let atOnce = 0;
    let most = 0;
    for (let call = 0; call < 3; call += 1)
      server.next(async (response) => {
        most = Math.max(most, ++atOnce);
        await pause(30);
        atOnce -= 1;
        await answer(['Yes.'])(response);
      });
    await Promise.all([1, 2, 3].map(() => model?.generate(request)));
    expect(most).toBe(1);
  });
});

describe('a provider that asks to be left alone', () => {
  test('is left alone by every caller and every model of it, and by none of another', async () => {
    const [small, large, other] = languageModelsFromConfig({
      languageModel: [configured('small'), configured('large'), { ...configured('other'), apiKey: 'sk-2' }],
    });
    const began = performance.now();
    server.next(refuse(429, {}, { 'retry-after-ms': '400' }));
    await expect(small?.generate(request)).rejects.toMatchObject({
      reason: 'rate-limited',
      retryAfterMs: 400,
    });
    const before = server.seen.length;
    // Whoever comes first gets the first answer: they were asked before it, and it was not held back with them.
    server.next(answer(['of the other']), answer(['Yes.']), answer(['Yes.']));
    const waiting = [small?.generate(request), large?.generate(request)];
    expect((await other?.generate(request))?.text).toBe('of the other');
    await Promise.all(waiting);
    expect(performance.now() - began).toBeGreaterThan(390);
    expect(server.seen.length).toBe(before + 3);
  });

  test('for longer than a call waits is an answer: another model is next', async () => {
    const [model] = languageModelsFromConfig({ languageModel: configured('long') });
    server.next(refuse(429, {}, { 'retry-after': '120' }));
    await expect(model?.generate(request)).rejects.toMatchObject({ retryAfterMs: 120_000 });
    const before = server.seen.length;
    const failure = model?.generate(request);
    await expect(failure).rejects.toMatchObject({
      reason: 'rate-limited',
      retryable: true,
      mayHaveCost: false,
    });
    expect(server.seen.length).toBe(before);
  });

  test('without saying for how long: longer with each refusal in a row, and at once again after an answer', () => {
    expect([1, 2, 3, 6, 60].map(unsaidHoldMs)).toEqual([1_000, 2_000, 4_000, 30_000, 30_000]);
    let at = 0;
    const hold = createProviderHold(() => at);
    hold.refused(null);
    hold.refused(null);
    expect(hold.remainingMs()).toBe(1_000);
    at = 1_000;
    hold.refused(null);
    expect(hold.remainingMs()).toBe(2_000);
    hold.refused(500);
    expect(hold.remainingMs()).toBe(2_000);
    at = 3_000;
    expect(hold.remainingMs()).toBe(0);
    hold.answered();
    hold.refused(null);
    expect(hold.remainingMs()).toBe(1_000);
  });

  test('for ever is asked again after an hour', () => {
    const hold = createProviderHold(() => 5);
    hold.refused(999_999_999_000);
    expect(hold.remainingMs()).toBe(MAX_HOLD_MS);
  });
});
