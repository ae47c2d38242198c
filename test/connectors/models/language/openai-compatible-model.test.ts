import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ModelChunk } from '../../../../connectors/models/language/language-model.ts';
import { createOpenAiCompatibleModel } from '../../../../connectors/models/language/openai-compatible-model.ts';
import {
  answer,
  breakOff,
  callTools,
  endEarly,
  failMidway,
  hang,
  refuse,
  sendPage,
  startChatServer,
  staySilent,
} from './chat-completions-server.ts';
import { expectCancelled, expectFailure, REQUEST } from './model-failures.ts';

const KEY = 'sk-local-secret-0123456789';
const price = { inputPerMillionUsd: '0.15', outputPerMillionUsd: '0.60' };
let server: Awaited<ReturnType<typeof startChatServer>>;
beforeAll(async () => {
  server = await startChatServer();
});
afterAll(() => server.close());

const open = (options: Partial<Parameters<typeof createOpenAiCompatibleModel>[0]> = {}) =>
  createOpenAiCompatibleModel({ baseUrl: server.baseUrl, model: 'small-1', apiKey: KEY, price, ...options });

describe('an answer', () => {
  test('streams text as it comes and reports what the provider counted', async () => {
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
      usage: { inputTokens: 31, outputTokens: 7, cachedInputTokens: 16, reported: true },
    });
    expect(JSON.parse(JSON.stringify(reply))).toEqual(reply);
    expect(chunks.map((chunk) => chunk.type === 'text' && chunk.text)).toEqual([
      'The return ',
      'window is ',
      '30 days.',
    ]);
    expect(server.seen.at(-1)).toMatchObject({
      path: '/v1/chat/completions',
      authorization: `Bearer ${KEY}`,
      body: {
        model: 'small-1',
        stream: true,
        stream_options: { include_usage: true },
        max_tokens: 64,
        temperature: 0,
        messages: [
          { role: 'system', content: 'Answer briefly.' },
          { role: 'user', content: 'What is the return window?' },
        ],
      },
    });
  });

  test('carries tool calls with their arguments, and takes their results back', async () => {
    server.next(
      callTools([
        { id: 'call_1', name: 'search', pieces: ['{"query":', '"X200"', '}'] },
        { id: 'call_2', name: 'search', pieces: ['{"query": "X3'] },
      ]),
    );
    const chunks: ModelChunk[] = [];
    const tools = [
      {
        name: 'search',
        description: 'Search the help centre',
        parameters: { type: 'object', properties: { query: { type: 'string' } }, required: ['query'] },
      },
    ];
    const reply = await open().generate({ ...REQUEST, tools, onChunk: (chunk) => chunks.push(chunk) });
    expect(reply.finishReason).toBe('tool-calls');
    expect(reply.toolCalls).toEqual([
      { id: 'call_1', name: 'search', arguments: { query: 'X200' } },
      { id: 'call_2', name: 'search', arguments: '{"query": "X3' },
    ]);
    expect(chunks).toContainEqual({ type: 'tool-call', name: 'search', arguments: { query: 'X200' } });
    expect(server.seen.at(-1)?.body.tools).toEqual([
      {
        type: 'function',
        function: { name: 'search', description: 'Search the help centre', parameters: tools[0]?.parameters },
      },
    ]);

    server.next(answer(['45 days.'], 'length'));
    const followUp = await open().generate({
      ...REQUEST,
      messages: [
        ...REQUEST.messages,
        { role: 'assistant', content: '', toolCalls: reply.toolCalls.slice(0, 1) },
        { role: 'tool', toolCallId: 'call_1', toolName: 'search', content: 'X200: 45 days' },
      ],
    });
    expect(followUp.finishReason).toBe('length');
    expect(server.seen.at(-1)?.body.messages).toMatchObject([
      { role: 'system' },
      { role: 'user' },
      {
        role: 'assistant',
        tool_calls: [
          { id: 'call_1', type: 'function', function: { name: 'search', arguments: '{"query":"X200"}' } },
        ],
      },
      { role: 'tool', tool_call_id: 'call_1', content: 'X200: 45 days' },
    ]);
  });

  test('without a usage counts its upper bounds, so that cost is never below the real one', async () => {
    server.next(answer(['Yes.'], 'stop', null));
    const model = open();
    const reply = await model.generate(REQUEST);
    expect(reply.usage).toEqual({ ...model.estimate(REQUEST), cachedInputTokens: 0, reported: false });
  });

  test.each([
    ['below zero', { prompt_tokens: -1, completion_tokens: -1 }],
    ['a fraction', { prompt_tokens: 12.5, completion_tokens: 7 }],
    ['empty', {}],
    ['without what it was asked', { completion_tokens: 7 }],
    ['beyond all counting', { prompt_tokens: 1e22, completion_tokens: 7 }],
  ])('whose usage is %s counts its upper bounds: no money can be counted by it', async (_, usage) => {
    server.next(answer(['Yes.'], 'stop', usage));
    const model = open();
    const reply = await model.generate(REQUEST);
    expect(reply.usage).toEqual({ ...model.estimate(REQUEST), cachedInputTokens: 0, reported: false });
  });

  test.each(['length', 'content_filter', 'server_error'])(
    'that was cut (%s) before the arguments of its last call gives it none that a schema of defaults would take',
    async (finish) => {
      const calls = [
        { id: 'call_1', name: 'list', pieces: ['{}'] },
        { id: 'call_2', name: 'close-all', pieces: [] },
      ];
      server.next(callTools(calls, finish));
      const { toolCalls } = await open().generate(REQUEST);
      expect(toolCalls.map((call) => call.arguments)).toEqual([{}, '']);
    },
  );

  test('that goes on for ever is given up: it would fill memory', async () => {
    let asked = true;
    server.next(async (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.once('close', () => {
        asked = false;
      });
      const delta = { content: 'x'.repeat(256 * 1024) };
      const chunk = `data: ${JSON.stringify({ id: '1', choices: [{ index: 0, delta, finish_reason: null }] })}\n\n`;
      for (let sent = 0; asked && sent < 200; sent += 1) {
        response.write(chunk);
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
    await expect(open().generate(REQUEST)).rejects.toMatchObject({
      reason: 'interrupted',
      mayHaveCost: true,
    });
    await expect.poll(() => asked).toBe(false);
  });

  test('is asked for with whole characters, and with arguments that are objects: providers refuse any other', async () => {
    server.next(answer(['Yes.']));
    await open().generate({
      ...REQUEST,
      messages: [
        { role: 'user', content: 'half a \ud83d' },
        { role: 'assistant', content: '', toolCalls: [{ id: 'call_1', name: 'search', arguments: '{"qu' }] },
        { role: 'tool', toolCallId: 'call_1', toolName: 'search', content: 'and \ude00 another' },
        {
          role: 'assistant',
          content: '',
          toolCalls: [{ id: 'call_\ud83d', name: 'search\ud83d', arguments: { a: ['\ude00'], '\ud83d': 1 } }],
        },
        { role: 'tool', toolCallId: 'call_\ud83d', toolName: 'search\ud83d', content: 'none' },
      ],
    });
    expect(server.seen.at(-1)?.body.messages).toMatchObject([
      { role: 'system' },
      { role: 'user', content: 'half a \ufffd' },
      { role: 'assistant', tool_calls: [{ function: { arguments: '{"value":"{\\"qu"}' } }] },
      { role: 'tool', content: 'and \ufffd another' },
      {
        role: 'assistant',
        tool_calls: [
          { id: 'call_\ufffd', function: { name: 'search\ufffd', arguments: '{"a":["\ufffd"],"\ufffd":1}' } },
        ],
      },
      { role: 'tool', tool_call_id: 'call_\ufffd' },
    ]);
  });

  test('is limited by the field the provider wants, and sends no empty key', async () => {
    server.next(answer(['Yes.']));
    await open({ outputLimitField: 'max_completion_tokens', apiKey: '' }).generate(REQUEST);
    expect(server.seen.at(-1)?.body).toMatchObject({ max_completion_tokens: 64 });
    expect(server.seen.at(-1)?.body).not.toHaveProperty('max_tokens');
    expect(server.seen.at(-1)?.authorization).toBeUndefined();
  });
});

describe('a failure says whether to retry, when, and whether it may have cost', () => {
  test.each([
    [
      '429 with seconds',
      refuse(429, {}, { 'retry-after': '7' }),
      { reason: 'rate-limited', retryable: true, retryAfterMs: 7_000, mayHaveCost: false },
    ],
    [
      '429 with milliseconds',
      refuse(429, {}, { 'retry-after-ms': '250', 'retry-after': '1' }),
      { reason: 'rate-limited', retryAfterMs: 250 },
    ],
    ['429 without a time', refuse(429, {}), { reason: 'rate-limited', retryable: true, retryAfterMs: null }],
    [
      '429 for a used-up quota',
      refuse(429, { code: 'insufficient_quota' }),
      { reason: 'refused', retryable: false },
    ],
    ['500', refuse(500, {}), { reason: 'overloaded', retryable: true, mayHaveCost: true }],
    [
      '503 with seconds',
      refuse(503, {}, { 'retry-after': '2' }),
      { reason: 'overloaded', retryable: true, retryAfterMs: 2_000 },
    ],
    ['400', refuse(400, {}), { reason: 'refused', retryable: false, mayHaveCost: false }],
    ['401', refuse(401, { message: `Incorrect API key: ${KEY}` }), { reason: 'refused', retryable: false }],
    ['a connection cut mid-stream', breakOff, { reason: 'interrupted', retryable: true, mayHaveCost: true }],
    ['a stream that ends without a finish', endEarly, { reason: 'interrupted', retryable: true }],
    ['an error as a chunk', failMidway, { reason: 'interrupted', retryable: true }],
    ['a page instead of a stream', sendPage, { reason: 'unreadable', retryable: false }],
  ])('%s', (_, script, facts) => expectFailure(open(), server, script, facts, KEY));

  test('nobody listens', async () => {
    const gone = await startChatServer();
    await gone.close();
    await expect(open({ baseUrl: gone.baseUrl }).generate(REQUEST)).rejects.toMatchObject({
      reason: 'unreachable',
      retryable: true,
      mayHaveCost: false,
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });

  test.each([
    ['silence mid-stream', hang],
    ['silence from the start', staySilent],
  ])('%s ends at the silence timeout, and the connection is closed', async (_, script) => {
    server.next(script);
    const started = performance.now();
    await expect(open({ silenceTimeoutMs: 200 }).generate(REQUEST)).rejects.toMatchObject({
      reason: 'timeout',
      retryable: true,
      mayHaveCost: true,
    });
    // Were there no silence timeout, it would be the whole call's.
    expect(performance.now() - started).toBeLessThan(30_000);
    await expect.poll(() => server.seen.at(-1)?.aborted).toBe(true);
  });

  test('a drip that never ends stops at the total timeout', async () => {
    server.next((response) => {
      void hang(response);
      const timer = setInterval(
        () => response.write('data: {"id":"1","choices":[{"index":0,"delta":{"content":"."}}]}\n\n'),
        50,
      );
      response.on('close', () => clearInterval(timer));
    });
    await expect(open({ silenceTimeoutMs: 200, timeoutMs: 600 }).generate(REQUEST)).rejects.toMatchObject({
      reason: 'timeout',
    });
  });

  test('the caller cancels mid-stream', () => expectCancelled(open(), server, hang, { mayHaveCost: true }));

  test('a call cancelled before it began sends nothing', async () => {
    const before = server.seen.length;
    const call = open().generate({ ...REQUEST, signal: AbortSignal.abort() });
    await expect(call).rejects.toMatchObject({ reason: 'cancelled' });
    expect(server.seen.length).toBe(before);
  });
});
