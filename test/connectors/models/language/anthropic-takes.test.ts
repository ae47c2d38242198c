/** What Anthropic refuses to be told (400), and other models give. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAnthropicModel } from '../../../../connectors/models/language/anthropic-model.ts';
import type { ModelMessage, ToolCall } from '../../../../connectors/models/language/language-model.ts';
import { answer, callTools } from './anthropic-server.ts';
import { REQUEST, SEARCH } from './model-failures.ts';
import { startModelServer } from './model-server.ts';

let server: Awaited<ReturnType<typeof startModelServer>>;
beforeAll(async () => {
  server = await startModelServer();
});
afterAll(() => server.close());

const open = () =>
  createAnthropicModel({
    ...{ baseUrl: `${server.origin}/v1`, model: 'claude-haiku-4-5', apiKey: 'sk-ant-local' },
    price: { inputPerMillionUsd: '3', outputPerMillionUsd: '15' },
  });

const sent = () => server.seen.at(-1)?.body.messages as readonly { content: readonly unknown[] }[];
const ask = async (messages: readonly ModelMessage[]) => {
  server.next(answer(['45 days.']));
  await open().generate({ ...REQUEST, tools: [SEARCH], messages: [...REQUEST.messages, ...messages] });
  return sent().slice(1);
};
const result = (toolCallId: string, content: string) =>
  ({ role: 'tool', toolCallId, toolName: 'search', content }) as const;

test('a text of white space before a call is not told', async () => {
  server.next(callTools([{ id: 'toolu_1', name: 'search', pieces: ['{"query":"X200"}'] }], ['\n', '\n']));
  const { text: content, toolCalls } = await open().generate({ ...REQUEST, tools: [SEARCH] });
  expect(content).toBe('\n\n');
  expect(await ask([{ role: 'assistant', content, toolCalls }, result('toolu_1', '45')])).toMatchObject([
    { content: [{ type: 'tool_use', id: 'toolu_1' }] },
    { content: [{ type: 'tool_result', tool_use_id: 'toolu_1' }] },
  ]);
  expect(sent()[1]?.content).toHaveLength(1);
});

test('ids of calls that another model gave, with other signs or twice, go as plain ones, each with its result', async () => {
  const call = (id: string, query: string) => ({ id, name: 'search', arguments: { query } });
  const turn = (...calls: readonly ToolCall[]) =>
    [
      { role: 'assistant', content: 'I look.', toolCalls: calls },
      ...calls.map(({ id, arguments: given }) => result(id, JSON.stringify(given))),
    ] as const;
  const messages = await ask([
    ...turn(call('functions.search:0', 'a'), call('functions.search:0', 'b')),
    ...turn(call('toolu_1', 'c'), call('functions.search:0', 'd')),
    ...turn(call('toolu_1', 'e')),
  ]);
  const parts = messages.flatMap(({ content }) => content) as {
    readonly type: string;
    readonly id: string;
    readonly input?: object;
    readonly tool_use_id?: string;
    readonly content?: string;
  }[];
  const calls = parts.filter(({ type }) => type === 'tool_use');
  expect(new Set(calls.map(({ id }) => id)).size).toBe(5);
  for (const { id } of calls) expect(id).toMatch(/^[a-zA-Z0-9_-]+$/);
  expect(calls.map(({ id }) => id).filter((id) => id === 'toolu_1')).toHaveLength(1);
  for (const { id, input } of calls)
    expect(parts.find((part) => part.tool_use_id === id)?.content).toBe(JSON.stringify(input));
});
