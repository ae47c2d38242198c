/** The trace of whoever asks is sent to every kind of provider as a header, and to none where there is none. */
import { afterEach, expect, test } from 'vitest';
import { createAnthropicModel } from '../../../../connectors/models/language/anthropic-model.ts';
import type { LanguageModel } from '../../../../connectors/models/language/language-model.ts';
import { createOllamaModel } from '../../../../connectors/models/language/ollama-model.ts';
import { createOpenAiCompatibleModel } from '../../../../connectors/models/language/openai-compatible-model.ts';
import * as anthropic from './anthropic-server.ts';
import * as chat from './chat-completions-server.ts';
import { REQUEST } from './model-failures.ts';
import { type Script, startModelServer } from './model-server.ts';
import * as ollama from './ollama-server.ts';

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const price = { inputPerMillionUsd: '0', outputPerMillionUsd: '0' };
const common = { model: 'small', apiKey: 'a-key', price };
const KINDS: readonly (readonly [string, (baseUrl: string) => LanguageModel, Script])[] = [
  [
    'openai-compatible',
    (baseUrl) => createOpenAiCompatibleModel({ ...common, baseUrl }),
    chat.answer(['yes']),
  ],
  ['anthropic', (baseUrl) => createAnthropicModel({ ...common, baseUrl }), anthropic.answer(['yes'])],
  ['ollama', (baseUrl) => createOllamaModel({ ...common, baseUrl }), ollama.answer(['yes'])],
];

let server: Awaited<ReturnType<typeof startModelServer>>;
afterEach(() => server.close());

test.each(KINDS)('%s', async (kind, open, answer) => {
  server = await startModelServer();
  const model = open(server.origin);
  expect(model.provider).toBe(kind);
  server.next(answer, answer);
  await model.generate({ ...REQUEST, traceparent: TRACEPARENT });
  await model.generate(REQUEST);
  expect(server.seen.map(({ headers }) => headers.traceparent)).toEqual([TRACEPARENT, undefined]);
  expect(JSON.stringify(server.seen.map(({ body }) => body))).not.toContain(TRACEPARENT);
});
