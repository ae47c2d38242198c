import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkVector } from '../../../../connectors/models/embedding/check-vector.ts';
import { createHashEmbeddingModel } from '../../../../connectors/models/embedding/hash-embedding-model.ts';
import { describeEmbeddingModel } from '../embedding-conformance.ts';
import { cosine } from './cosine.ts';

const model = createHashEmbeddingModel();

test('gives the same unit vector every time', async () => {
  const [a, b] = await model.embed(['The return window is 30 days.', 'The return window is 30 days.']);
  expect(a).toEqual(b);
  expect(cosine(a, b)).toBeCloseTo(1, 6);
  expect(checkVector(a ?? new Float32Array(), 384)).toBeNull();
});

test('texts that share words are nearer than texts that do not', async () => {
  const [question, near, far] = await model.embed([
    'return window for the X200',
    'The return window for the X200 is 45 days.',
    'Invoices are sent by mail on Mondays.',
  ]);
  expect(cosine(question, near)).toBeGreaterThan(cosine(question, far) + 0.3);
});

test('an empty text has zero norm, for a gate to refuse', async () => {
  const [vector] = await model.embed(['  ']);
  expect(checkVector(vector ?? new Float32Array(), 384)).toBe('zero-norm');
});

test('the tokens of the spans sum up to the count', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const sum = model.tokenSpans(text).reduce((total, span) => total + span.tokens, 0);
      expect(sum).toBe(model.countTokens(text));
    }),
  );
});

describeEmbeddingModel('feature-hash-384', async () => createHashEmbeddingModel());
