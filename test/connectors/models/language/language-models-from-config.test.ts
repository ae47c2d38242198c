import { describe, expect, test } from 'vitest';
import { languageModelsFromConfig } from '../../../../connectors/models/language/language-models-from-config.ts';
import { modelsFor } from '../../../../connectors/models/language/models-for.ts';
import { parseConfig } from '../../../../schemas/config.ts';

const price = { inputPerMillionUsd: '0.15', outputPerMillionUsd: '0.60' };
const remote = { kind: 'openai-compatible', baseUrl: 'http://127.0.0.1:9/v1', model: 'small-1' } as const;

test('each kind gives its model, with its price and its window', () => {
  const models = languageModelsFromConfig({
    languageModel: [
      { ...remote, apiKey: '', price },
      { kind: 'anthropic', model: 'claude-small', apiKey: 'sk', contextTokens: 50_000 },
      { kind: 'ollama', model: 'small' },
      { ...remote, baseUrl: 'http://127.0.0.1:8/v1', id: 'second' },
      { kind: 'extractive' },
    ],
  });
  expect(models.map(({ id, contextTokens }) => [id, contextTokens])).toEqual([
    ['openai-compatible/small-1', 128_000],
    ['anthropic/claude-small', 50_000],
    ['ollama/small', 8_192],
    ['second', 128_000],
    ['extractive', 1_000_000],
  ]);
  expect(models[0]?.price).toEqual(price);
  expect(models[1]?.price).toEqual({ inputPerMillionUsd: '0', outputPerMillionUsd: '0' });
});

describe('the configuration', () => {
  const whole = (languageModel: unknown) => parseConfig({ sources: {}, agents: [], languageModel });

  test('takes one model or a list', () => {
    expect(whole(undefined).languageModel).toEqual({ kind: 'extractive' });
    expect(whole(remote).languageModel).toEqual(remote);
    const list = [{ ...remote, limits: { requestsPerMinute: 60 } }, { kind: 'extractive' }];
    expect(whole(list).languageModel).toEqual(list);
  });

  test.each([
    ['a kind that is none', { kind: 'oracle' }, /languageModel\.0\.kind/],
    [
      'an unknown key',
      [{ kind: 'extractive' }, { ...remote, temperature: 1 }],
      /languageModel\.1.*temperature/,
    ],
    ['Anthropic without a key', { kind: 'anthropic', model: 'm' }, /languageModel\.0\.apiKey/],
    [
      'a limit of nothing',
      { ...remote, limits: { concurrency: 0 } },
      /languageModel\.0\.limits\.concurrency/,
    ],
    [
      'a prompt cache whose writes have no price',
      { kind: 'anthropic', model: 'm', apiKey: 'sk', price, promptCache: true },
      /languageModel\.0\.price\.cacheWritePerMillionUsd.*is needed with promptCache/,
    ],
    ['an empty list', [], /languageModel/],
  ])('refuses %s', (_, languageModel, message) => {
    expect(() => whole(languageModel)).toThrow(message);
  });
});

test('an agent uses the models it names, in its order, or all', () => {
  const models = [{ id: 'a' }, { id: 'b' }, { id: 'c' }];
  expect(modelsFor({ name: 'support' }, models)).toEqual(models);
  expect(modelsFor({ name: 'support', models: ['c', 'a', 'c'] }, models)).toEqual([{ id: 'c' }, { id: 'a' }]);
  expect(() => modelsFor({ name: 'support', models: ['d'] }, models)).toThrow(
    /support: there is no model d; there are: a, b, c/,
  );
  expect(() => modelsFor({ name: 'support', models: [] }, models)).toThrow(/at least one/);
});
