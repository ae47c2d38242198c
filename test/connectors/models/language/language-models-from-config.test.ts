import { expect, test } from 'vitest';
import { languageModelFromConfig } from '../../../../connectors/models/language/language-model-from-config.ts';

test('each kind gives its model', () => {
  expect(languageModelFromConfig({ kind: 'extractive' }).id).toBe('extractive');
  const price = { inputPerMillionUsd: '0.15', outputPerMillionUsd: '0.60' };
  const model = languageModelFromConfig({
    kind: 'openai-compatible',
    baseUrl: 'http://127.0.0.1:9/v1',
    model: 'small-1',
    apiKey: '',
    price,
  });
  expect(model.id).toBe('openai-compatible/small-1');
  expect(model.price).toEqual(price);
});
