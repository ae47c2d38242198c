import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAnthropicModel } from '../../../../connectors/models/language/anthropic-model.ts';
import { type ChatStreamPart, collectReply } from '../../../../connectors/models/language/chat-stream.ts';
import type { ModelChunk, ModelReply } from '../../../../connectors/models/language/language-model.ts';
import {
  answer,
  breakOff,
  breakOffInArguments,
  callTools,
  endEarly,
  failMidway,
  hang,
  refuse,
  sendNoise,
  thinkAndCall,
} from './anthropic-server.ts';
import { expectFailure, expectSilenceEnds, REQUEST, SEARCH } from './model-failures.ts';
import { startModelServer } from './model-server.ts';

const KEY = 'sk-ant-local-secret-0123456789';
const price = { inputPerMillionUsd: '3', outputPerMillionUsd: '15' };

let server: Awaited<ReturnType<typeof startModelServer>>;
beforeAll(async () => {
  server = await startModelServer();
});
afterAll(() => server.close());

const open = (options: Partial<Parameters<typeof createAnthropicModel>[0]> = {}) =>
  createAnthropicModel({
    baseUrl: `${server.origin}/v1`,
    model: 'claude-haiku-4-5',
    apiKey: KEY,
    price,
    ...options,
  });

describe('an answer', () => {
  test('streams text as it comes; input tokens are all of them, those of the cache too', async () => {
    server.next(answer(['The return ', 'window is ', '30 days.']));
    const chunks: ModelChunk[] = [];
    const reply = await open().generate({
      ...REQUEST,
      temperature: 0,
      onChunk: (chunk) => chunks.push(chunk),
    });
    expect(reply).toEqual({
      text: 'The return window is 30 days.',
      toolCalls: [],
      finishReason: 'stop',
      usage: { inputTokens: 31, outputTokens: 7, cachedInputTokens: 10, cacheWriteTokens: 6, reported: true },
    });
    expect(chunks.map((chunk) => chunk.type === 'text' && chunk.text)).toEqual([
      'The return ',
      'window is ',
      '30 days.',
    ]);
    const seen = server.seen.at(-1);
    expect(seen?.path).toBe('/v1/messages');
    expect(seen?.headers).toMatchObject({ 'x-api-key': KEY, 'anthropic-version': '2023-06-01' });
    expect(seen?.body).toMatchObject({
      model: 'claude-haiku-4-5',
      stream: true,
      max_tokens: 64,
      temperature: 0,
      system: [{ type: 'text', text: 'Answer briefly.' }],
      messages: [{ role: 'user', content: [{ type: 'text', text: 'What is the return window?' }] }],
    });
  });

  test('whose tokens the provider does not tell counts at its bounds, with what it may have thought', async () => {
    const model = open({ thinking: { budgetTokens: 4_096 } });
    const unknown = { total: undefined, noCache: undefined, cacheRead: undefined, cacheWrite: undefined };
    const finish = {
      type: 'finish',
      finishReason: { unified: 'stop', raw: undefined },
      usage: { inputTokens: unknown, outputTokens: { ...unknown, text: undefined, reasoning: undefined } },
    } as const satisfies ChatStreamPart;
    const { usage } = await collectReply(
      (async function* () {
        yield finish;
      })(),
      REQUEST,
      { model: 'claude-haiku-4-5', estimate: model.estimate },
    );
    expect(usage).toEqual({ ...model.estimate(REQUEST), cachedInputTokens: 0, reported: false });
    expect(usage.outputTokens).toBe(REQUEST.maxOutputTokens + 4_096);
  });

  test('marks where the tools and the system text end for the cache, where it is told to, and nothing else', async () => {
    const marks = async (promptCache: boolean | undefined, system = REQUEST.system) => {
      server.next(answer(['So.']));
      await open({ promptCache }).generate({
        ...REQUEST,
        system,
        tools: [{ ...SEARCH, name: 'find' }, SEARCH],
      });
      const { body } = server.seen.at(-1) ?? {};
      const places: string[] = [];
      JSON.stringify(body, function (this: { name?: string; text?: string }, key, value) {
        if (key === 'cache_control') places.push(`${this.name ?? this.text} ${JSON.stringify(value)}`);
        return value as unknown;
      });
      return places.sort();
    };
    const ephemeral = '{"type":"ephemeral"}';
    expect(await marks(true)).toEqual([`${REQUEST.system} ${ephemeral}`, `search ${ephemeral}`]);
    expect(await marks(true, '')).toEqual([`search ${ephemeral}`]);
    expect(await marks(undefined)).toEqual([]);
  });

  test('carries tool calls whose arguments came in pieces, and takes their results back', async () => {
    server.next(
      callTools([
        { id: 'toolu_1', name: 'search', pieces: ['{"query":', ' "X2', '00"}'] },
        { id: 'toolu_2', name: 'search', pieces: [] },
      ]),
    );
    const chunks: ModelChunk[] = [];
    const reply = await open().generate({
      ...REQUEST,
      tools: [SEARCH],
      onChunk: (chunk) => chunks.push(chunk),
    });
    expect(reply).toMatchObject({
      text: 'I look it up.',
      finishReason: 'tool-calls',
      toolCalls: [
        { id: 'toolu_1', name: 'search', arguments: { query: 'X200' } },
        { id: 'toolu_2', name: 'search', arguments: {} },
      ],
    });
    expect(chunks).toContainEqual({ type: 'tool-call', name: 'search', arguments: { query: 'X200' } });
    expect(server.seen.at(-1)?.body.tools).toMatchObject([
      { name: 'search', description: 'Search the help centre', input_schema: SEARCH.parameters },
    ]);

    server.next(answer(['45 days.'], 'max_tokens'));
    const followUp = await open().generate({
      ...REQUEST,
      tools: [SEARCH],
      messages: [
        ...REQUEST.messages,
        { role: 'assistant', content: reply.text, toolCalls: reply.toolCalls.slice(0, 1) },
        { role: 'tool', toolCallId: 'toolu_1', toolName: 'search', content: 'X200: 45 days' },
      ],
    });
    expect(followUp.finishReason).toBe('length');
    expect(server.seen.at(-1)?.body.messages).toMatchObject([
      { role: 'user' },
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'I look it up.' },
          { type: 'tool_use', id: 'toolu_1', name: 'search', input: { query: 'X200' } },
        ],
      },
      {
        role: 'user',
        content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'X200: 45 days' }],
      },
    ]);
  });
});

describe('thinking', () => {
  const goingOn = (reply: ModelReply) => ({
    ...REQUEST,
    tools: [SEARCH],
    messages: [
      ...REQUEST.messages,
      {
        role: 'assistant' as const,
        content: reply.text,
        toolCalls: reply.toolCalls,
        ...(reply.thinking ? { thinking: reply.thinking } : {}),
      },
      { role: 'tool' as const, toolCallId: 'toolu_1', toolName: 'search', content: 'X200: 45 days' },
    ],
  });
  /** Exactly as the provider saw it. */
  const lastReplySent = () => (server.seen.at(-1)?.body.messages as readonly unknown[] | undefined)?.[1];
  const call = { type: 'tool_use', id: 'toolu_1', name: 'search', input: { query: 'X200' } };

  test('goes back with the results of its tools as it came, signed or redacted, each block in its place', async () => {
    const model = open({ thinking: { budgetTokens: 2_048 } });
    server.next(thinkAndCall);
    const chunks: ModelChunk[] = [];
    const first = { ...REQUEST, tools: [SEARCH], onChunk: (chunk: ModelChunk) => chunks.push(chunk) };
    const reply = await model.generate(first);
    expect(server.seen.at(-1)?.body).toMatchObject({
      thinking: { type: 'enabled', budget_tokens: 2_048 },
      max_tokens: 64 + 2_048,
    });
    expect(reply).toMatchObject({ text: 'I look it up.', toolCalls: [{ name: 'search' }] });
    // It is shown to nobody.
    expect(JSON.stringify(chunks)).not.toContain('router');
    // As it is after it stood in the journal.
    const journaled = JSON.parse(JSON.stringify(reply)) as ModelReply;
    server.next(answer(['45 days.']));
    await model.generate(goingOn(journaled));
    expect(server.seen.at(-1)?.body).toMatchObject({ thinking: { type: 'enabled' } });
    expect(lastReplySent()).toEqual({
      role: 'assistant',
      content: [
        { type: 'thinking', thinking: 'It is a router.', signature: 'c2lnbmVkLTE=' },
        { type: 'redacted_thinking', data: 'ZW5jcnlwdGVk' },
        { type: 'text', text: 'I look it up.' },
        { type: 'thinking', thinking: '', signature: 'c2lnbmVkLTI=' },
        call,
      ],
    });
  });

  test('of one model is not sent to another, which goes on without: the provider refuses a turn that began without it', async () => {
    server.next(thinkAndCall);
    const reply = await open({ thinking: { budgetTokens: 2_048 } }).generate({ ...REQUEST, tools: [SEARCH] });
    server.next(answer(['45 days.']));
    await open({ model: 'claude-sonnet-4-5', thinking: { budgetTokens: 1_024 } }).generate(goingOn(reply));
    expect(server.seen.at(-1)?.body).not.toHaveProperty('thinking');
    expect(server.seen.at(-1)?.body).toMatchObject({ max_tokens: 64 });
    expect(lastReplySent()).toEqual({
      role: 'assistant',
      content: [{ type: 'text', text: 'I look it up.' }, call],
    });
  });

  test('as much as the model likes needs no budget, and is asked for in every request', async () => {
    const model = open({ thinking: 'adaptive' });
    server.next(
      callTools([{ id: 'toolu_1', name: 'search', pieces: ['{"query":"X200"}'] }]),
      answer(['45.']),
    );
    const reply = await model.generate({ ...REQUEST, tools: [SEARCH] });
    expect(reply).not.toHaveProperty('thinking');
    await model.generate(goingOn(reply));
    expect(server.seen.at(-1)?.body).toMatchObject({ thinking: { type: 'adaptive' }, max_tokens: 64 });
  });

  test('by a budget is reserved as output, and has its room in the window', () => {
    const [plain, thinks] = [open(), open({ thinking: { budgetTokens: 2_048 } })];
    expect(thinks.estimate(REQUEST).outputTokens).toBe(plain.estimate(REQUEST).outputTokens + 2_048);
    expect(thinks.contextTokens).toBe(plain.contextTokens - 2_048);
  });
});

describe('a failure says whether to retry, when, and whether it may have cost', () => {
  const inAMinute = new Date(Date.now() + 60_000).toUTCString();
  test.each([
    [
      '429 with seconds',
      refuse(429, 'rate_limit_error', { 'retry-after': '7' }),
      { reason: 'rate-limited', retryable: true, retryAfterMs: 7_000, mayHaveCost: false },
    ],
    [
      '429 with a date',
      refuse(429, 'rate_limit_error', { 'retry-after': inAMinute }),
      { reason: 'rate-limited', retryable: true, mayHaveCost: false },
    ],
    [
      '529, overloaded',
      refuse(529, 'overloaded_error', {}, 'Overloaded'),
      { reason: 'overloaded', retryable: true, retryAfterMs: null },
    ],
    ['500', refuse(500, 'api_error'), { reason: 'overloaded', retryable: true, mayHaveCost: true }],
    [
      '400',
      refuse(400, 'invalid_request_error', {}, 'prompt is too long'),
      {
        reason: 'refused',
        retryable: false,
        mayHaveCost: false,
        message: expect.stringContaining('too long'),
      },
    ],
    [
      '401',
      refuse(401, 'authentication_error', {}, `invalid x-api-key ${KEY}`),
      { reason: 'refused', retryable: false },
    ],
    ['a connection cut mid-stream', breakOff, { reason: 'interrupted', retryable: true, mayHaveCost: true }],
    [
      'a connection cut inside the arguments of a tool call',
      breakOffInArguments,
      { reason: 'interrupted', retryable: true, mayHaveCost: true },
    ],
    ['an error event mid-stream', failMidway, { reason: 'interrupted', retryable: true }],
    ['events that are no JSON', sendNoise, { mayHaveCost: true }],
  ])('%s', (_, script, facts) => expectFailure(open(), server, script, facts, KEY));

  test('a date to wait for is told in milliseconds', async () => {
    server.next(refuse(429, 'rate_limit_error', { 'retry-after': inAMinute }));
    const failure = (await open()
      .generate(REQUEST)
      .catch((error: unknown) => error)) as { retryAfterMs: number };
    expect(failure.retryAfterMs).toBeGreaterThan(30_000);
    expect(failure.retryAfterMs).toBeLessThanOrEqual(61_000);
  });

  test('a stream that ends without its last events is no answer', async () => {
    server.next(endEarly);
    await expect(open().generate(REQUEST)).rejects.toMatchObject({ reason: 'interrupted', retryable: true });
  });

  test('silence ends the call, and the connection is closed', () =>
    expectSilenceEnds(open({ silenceTimeoutMs: 200 }), server, hang, { mayHaveCost: true }));

  test('the caller cancels mid-stream', async () => {
    server.next(hang);
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 50);
    await expect(open().generate({ ...REQUEST, signal: controller.signal })).rejects.toMatchObject({
      reason: 'cancelled',
      retryable: false,
    });
    await expect.poll(() => server.seen.at(-1)?.aborted).toBe(true);
  });
});
