import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ModelChunk } from '../../../../connectors/models/language/language-model.ts';
import { createOllamaModel } from '../../../../connectors/models/language/ollama-model.ts';
import { expectCancelled, expectFailure, expectSilenceEnds, REQUEST, SEARCH } from './model-failures.ts';
import { startModelServer } from './model-server.ts';
import {
  answer,
  answerInBytes,
  breakOff,
  callTools,
  endEarly,
  failMidway,
  hang,
  refuse,
  sendEndlessLine,
  sendHalfLine,
  sendOther,
  sendPage,
} from './ollama-server.ts';

const price = { inputPerMillionUsd: '0', outputPerMillionUsd: '0' };

let server: Awaited<ReturnType<typeof startModelServer>>;
beforeAll(async () => {
  server = await startModelServer();
});
afterAll(() => server.close());

const open = (options: Partial<Parameters<typeof createOllamaModel>[0]> = {}) =>
  createOllamaModel({ baseUrl: server.origin, model: 'small', price, ...options });

describe('an answer', () => {
  test('streams text as it comes, asks for the whole window, and reports what the server counted', async () => {
    server.next(answer(['The return ', 'window is ', '30 days.']));
    const chunks: ModelChunk[] = [];
    const reply = await open({ contextTokens: 16_384 }).generate({
      ...REQUEST,
      temperature: 0,
      onChunk: (chunk) => chunks.push(chunk),
    });
    expect(reply).toEqual({
      text: 'The return window is 30 days.',
      toolCalls: [],
      finishReason: 'stop',
      usage: { inputTokens: 31, outputTokens: 7, cachedInputTokens: 0, reported: true },
    });
    expect(chunks.map((chunk) => chunk.type === 'text' && chunk.text)).toEqual([
      'The return ',
      'window is ',
      '30 days.',
    ]);
    expect(server.seen.at(-1)).toMatchObject({
      path: '/api/chat',
      body: {
        model: 'small',
        stream: true,
        options: { num_ctx: 16_384, num_predict: 64, temperature: 0 },
        messages: [
          { role: 'system', content: 'Answer briefly.' },
          { role: 'user', content: 'What is the return window?' },
        ],
      },
    });
  });

  test('carries tool calls, gives one without an id its own, and takes results back', async () => {
    server.next(
      callTools([
        { id: 'call_a', name: 'search', arguments: { query: 'X200' } },
        { name: 'search', arguments: { query: 'X300' } },
      ]),
    );
    const chunks: ModelChunk[] = [];
    const reply = await open().generate({
      ...REQUEST,
      tools: [SEARCH],
      onChunk: (chunk) => chunks.push(chunk),
    });
    expect(reply).toMatchObject({
      finishReason: 'tool-calls',
      toolCalls: [
        { id: 'call_a', name: 'search', arguments: { query: 'X200' } },
        { id: 'call_1_1', name: 'search', arguments: { query: 'X300' } },
      ],
    });
    expect(chunks).toContainEqual({ type: 'tool-call', name: 'search', arguments: { query: 'X300' } });
    expect(server.seen.at(-1)?.body.tools).toEqual([{ type: 'function', function: SEARCH }]);

    server.next(answer(['45 days.'], 'length'));
    const followUp = await open().generate({
      ...REQUEST,
      messages: [
        ...REQUEST.messages,
        { role: 'assistant', content: '', toolCalls: reply.toolCalls.slice(0, 1) },
        { role: 'tool', toolCallId: 'call_a', toolName: 'search', content: 'X200: 45 days' },
      ],
    });
    expect(followUp.finishReason).toBe('length');
    expect(server.seen.at(-1)?.body.messages).toMatchObject([
      { role: 'system' },
      { role: 'user' },
      { role: 'assistant', tool_calls: [{ function: { name: 'search', arguments: { query: 'X200' } } }] },
      { role: 'tool', tool_name: 'search', content: 'X200: 45 days' },
    ]);
  });

  test('a character cut between two pieces, and a last line without an end, are read whole', async () => {
    server.next(answerInBytes);
    const reply = await open().generate(REQUEST);
    expect(reply.text).toBe('Zurück 30 €.');
    expect(reply.usage.reported).toBe(true);
  });

  test.each([
    ['left out', {}],
    ['below zero', { prompt_eval_count: -1 }],
    ['a fraction', { prompt_eval_count: 1.5 }],
    ['more than the journal holds', { prompt_eval_count: 2 ** 31 }],
  ])('whose count is %s has its upper bounds stand: cost is never below the real one', async (_, counted) => {
    server.next(answer(['Yes.'], 'stop', { eval_count: 2, ...counted }));
    const model = open();
    const reply = await model.generate(REQUEST);
    expect(reply.usage).toEqual({ ...model.estimate(REQUEST), cachedInputTokens: 0, reported: false });
  });
});

describe('a failure says whether to retry, when, and whether it may have cost', () => {
  test.each([
    [
      'a model that is not there',
      refuse(404, 'model "small" not found'),
      {
        reason: 'refused',
        retryable: false,
        mayHaveCost: false,
        message: expect.stringContaining('not found'),
      },
    ],
    [
      '503, its queue is full',
      refuse(503, 'server busy, please try again', { 'retry-after': '2' }),
      { reason: 'overloaded', retryable: true, retryAfterMs: 2_000 },
    ],
    ['429', refuse(429, 'slow down'), { reason: 'rate-limited', retryable: true, retryAfterMs: null }],
    ['500', refuse(500, 'runner died'), { reason: 'overloaded', retryable: true }],
    ['a connection cut mid-stream', breakOff, { reason: 'interrupted', retryable: true, mayHaveCost: true }],
    ['a stream that ends before it is done', endEarly, { reason: 'interrupted', retryable: true }],
    [
      'an error as a line',
      failMidway,
      { reason: 'interrupted', retryable: true, message: expect.stringContaining('llama runner') },
    ],
    ['half a line', sendHalfLine, { reason: 'interrupted', retryable: true }],
    ['another protocol', sendOther, { reason: 'unreadable', retryable: false }],
    ['a page instead of a stream', sendPage, { reason: 'unreadable', retryable: false }],
    ['a line without an end', sendEndlessLine, { reason: 'unreadable', retryable: false }],
  ])('%s', (_, script, facts) => expectFailure(open(), server, script, facts));

  test('nobody listens', async () => {
    const gone = await startModelServer();
    await gone.close();
    await expect(open({ baseUrl: gone.origin }).generate(REQUEST)).rejects.toMatchObject({
      reason: 'unreachable',
      retryable: true,
      mayHaveCost: false,
    });
  });

  test('silence ends the call, and the connection is closed', () =>
    expectSilenceEnds(open({ silenceTimeoutMs: 200 }), server, hang));

  test('the caller cancels mid-stream', () => expectCancelled(open(), server, hang));
});
