/** What every adapter of a model must do when its provider fails: told facts, nothing told that is secret, one request. */
import { expect } from 'vitest';
import type { LanguageModel, ModelRequest } from '../../../../connectors/models/language/language-model.ts';
import type { Script, startModelServer } from './model-server.ts';

type Server = Pick<Awaited<ReturnType<typeof startModelServer>>, 'next' | 'seen'>;

export const REQUEST: ModelRequest = {
  system: 'Answer briefly.',
  messages: [{ role: 'user', content: 'What is the return window?' }],
  maxOutputTokens: 64,
};

export const SEARCH = {
  name: 'search',
  description: 'Search the help centre',
  parameters: { type: 'object', properties: { query: { type: 'string' } }, required: ['query'] },
} as const;

/** `secret`: must not stand in what is told. */
export const expectFailure = async (
  model: LanguageModel,
  server: Server,
  script: Script,
  facts: Readonly<Record<string, unknown>>,
  secret?: string,
): Promise<void> => {
  const before = server.seen.length;
  server.next(script);
  const failure = await model.generate(REQUEST).catch((error: unknown) => error);
  expect(failure).toMatchObject({ name: 'ModelError', code: 'model-failed', ...facts });
  if (secret !== undefined) expect(String(failure)).not.toContain(secret);
  expect(JSON.stringify(failure)).not.toContain('What is the return window');
  expect(server.seen.length - before).toBe(1);
};

/** `model` gives up after a short silence. */
export const expectSilenceEnds = async (
  model: LanguageModel,
  server: Server,
  silence: Script,
  facts: Readonly<Record<string, unknown>> = {},
): Promise<void> => {
  server.next(silence);
  await expect(model.generate(REQUEST)).rejects.toMatchObject({
    reason: 'timeout',
    retryable: true,
    ...facts,
  });
  await expect.poll(() => server.seen.at(-1)?.aborted).toBe(true);
};

/** Cancelled once something has come. */
export const expectCancelled = async (
  model: LanguageModel,
  server: Server,
  hang: Script,
  facts: Readonly<Record<string, unknown>> = {},
): Promise<void> => {
  server.next(hang);
  const controller = new AbortController();
  const call = model.generate({
    ...REQUEST,
    signal: controller.signal,
    onChunk: () => controller.abort(),
  });
  await expect(call).rejects.toMatchObject({ reason: 'cancelled', retryable: false, ...facts });
  await expect.poll(() => server.seen.at(-1)?.aborted).toBe(true);
};
