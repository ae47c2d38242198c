import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { checkVector } from '../../../../connectors/models/embedding/check-vector.ts';
import type { EmbeddingModel } from '../../../../connectors/models/embedding/embedding-model.ts';
import { openMinilmEmbeddingModel } from '../../../../connectors/models/embedding/minilm-embedding-model.ts';
import { createWordPieceTokenizer } from '../../../../connectors/models/embedding/word-piece-tokenizer.ts';
import { describeEmbeddingModel } from '../embedding-conformance.ts';
import { cosine } from './cosine.ts';

const { modelDirectory } = inject('stack');
let model: EmbeddingModel;
let tokenizerJson: string;

beforeAll(async () => {
  tokenizerJson = await readFile(join(modelDirectory, 'tokenizer.json'), 'utf8');
  model = await openMinilmEmbeddingModel({ modelDirectory, workers: 2 });
});
afterAll(() => model?.close());

test('its id names the files that make its vectors', () => {
  expect(model.id).toMatch(/^all-minilm-l6-v2@[0-9a-f]{8}$/);
  expect(model.dimensions).toBe(384);
});

test('known pairs are as near as the published model says', async () => {
  const [lead, park, berlin, weather, happy] = await model.embed([
    'A man is eating food.',
    'A man is eating a piece of bread.',
    'Berlin is the capital of Germany.',
    'The weather is lovely today.',
    "It's so sunny outside!",
  ]);
  expect(cosine(lead, park)).toBeCloseTo(0.7554, 3);
  expect(cosine(weather, happy)).toBeCloseTo(0.666, 3);
  expect(cosine(lead, berlin)).toBeLessThan(0.1);
  expect(checkVector(lead ?? new Float32Array(), 384)).toBeNull();
});

test('a paraphrase without a shared word is nearer than an unrelated text', async () => {
  const [question, answer, other] = await model.embed([
    'How long can I send back an item?',
    'Goods may be returned within thirty days of delivery.',
    'Our servers run in three regions.',
  ]);
  expect(cosine(question, answer)).toBeGreaterThan(cosine(question, other) + 0.2);
});

test('a text has the same vector alone and among texts of other lengths, bit by bit', async () => {
  const texts = Array.from(
    { length: 24 },
    (_, n) => `Article ${n}: ${'returns take a few days '.repeat(1 + (n % 7))}`,
  );
  const together = await model.embed(texts);
  for (const [n, text] of texts.entries()) expect((await model.embed([text]))[0]).toEqual(together[n]);
});

test('a text over the limit is cut at it, and the first maxTokens tokens decide', async () => {
  const word = 'return ';
  const [full, longer] = await model.embed([
    word.repeat(model.maxTokens),
    word.repeat(model.maxTokens + 500),
  ]);
  expect(longer).toEqual(full);
  const [shorter] = await model.embed([word.repeat(model.maxTokens - 1)]);
  expect(shorter).not.toEqual(full);
});

test('token ids are those of the library on whole texts', () => {
  const reference = new Tokenizer(JSON.parse(tokenizerJson), {});
  const tokenizer = createWordPieceTokenizer(tokenizerJson);
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'grapheme' }),
    fc
      .array(
        fc.constantFrom(
          'Return',
          'unaffable',
          'naïve',
          '30',
          '€',
          '[SEP]',
          '東京',
          '\u200b',
          '\ufeff',
          '\v',
          '...',
          '—',
          '\n',
          ' ',
          'X200',
          "don't",
          'a'.repeat(120),
        ),
      )
      .map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(text, (value) => {
      expect([...tokenizer.encode(value, 100_000)]).toEqual(reference.encode(value).ids);
      const spans = tokenizer.tokenSpans(value);
      expect(spans.reduce((sum, span) => sum + span.tokens, 0)).toBe(tokenizer.countTokens(value));
      expect(tokenizer.countTokens(value)).toBe(
        reference.encode(value, { add_special_tokens: false }).ids.length,
      );
    }),
    { numRuns: 500 },
  );
});

test('an empty text has a vector like any other', async () => {
  const [vector] = await model.embed(['']);
  expect(checkVector(vector ?? new Float32Array(), 384)).toBeNull();
});

test('the library tells nobody of what it does', () => {
  // Where it is to report to its makers, it begins with this file.
  expect(readdirSync(tmpdir())).not.toContain(`mat-debug-${process.pid}.log`);
});

test('a folder without the files is one clear error, and leaves no thread', async () => {
  await expect(
    openMinilmEmbeddingModel({ modelDirectory: join(modelDirectory, 'nothing') }),
  ).rejects.toMatchObject({
    code: 'model-failed',
    message: expect.stringContaining('Install it again'),
  });
});

describeEmbeddingModel('all-minilm-l6-v2', () => openMinilmEmbeddingModel({ modelDirectory, workers: 1 }));
