/** What every EmbeddingModel does, wherever it runs: call it in a test file with a factory. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EmbeddingModel } from '../../../connectors/models/embedding/embedding-model.ts';
import { cosine } from './embedding/cosine.ts';

const TEXTS = [
  'How do I send an item back?',
  'Returns\nGoods may be returned within thirty days.',
  'x',
  'naïve café 東京 🔑 — “quoted”',
  'word '.repeat(40),
  'The same again.',
  'The same again.',
];

export const describeEmbeddingModel = (name: string, open: () => Promise<EmbeddingModel>): void => {
  describe(`an embedding model: ${name}`, () => {
    let model: EmbeddingModel;
    beforeAll(async () => {
      model = await open();
    });
    afterAll(() => model?.close());

    it('has an id, dimensions and a limit', () => {
      expect(model.id).toMatch(/\S/);
      expect(model.dimensions).toBeGreaterThan(0);
      expect(model.maxTokens).toBeGreaterThanOrEqual(16);
    });

    it('gives one unit vector a text, in order, each with a buffer of its own', async () => {
      const vectors = await model.embed(TEXTS);
      expect(vectors).toHaveLength(TEXTS.length);
      for (const vector of vectors) {
        expect(vector).toBeInstanceOf(Float32Array);
        expect(vector).toHaveLength(model.dimensions);
        expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
      }
      expect(new Set(vectors.map((vector) => vector.buffer)).size).toBe(TEXTS.length);
      expect(vectors[5]).toEqual(vectors[6]);
      for (const [at, text] of TEXTS.entries()) {
        const [alone] = await model.embed([text]);
        expect(cosine(alone, vectors[at])).toBeGreaterThan(0.99999);
      }
    });

    it('gives nothing for nothing', async () => {
      expect(await model.embed([])).toEqual([]);
    });

    it('takes many texts at once, in calls that overlap', async () => {
      const many = Array.from({ length: 300 }, (_, at) => `Text number ${at} of many.`);
      const [all, some] = await Promise.all([model.embed(many), model.embed(many.slice(100, 110))]);
      expect(all).toHaveLength(300);
      for (const [at, vector] of some.entries())
        expect(cosine(vector, all[100 + at])).toBeGreaterThan(0.99999);
    });

    it('takes what purpose and tenant it is told', async () => {
      const [asked] = await model.embed(['Where?'], { purpose: 'query', tenant: 'acme' });
      const [again] = await model.embed(['Where?'], { purpose: 'query' });
      expect(asked).toEqual(again);
    });

    it('counts tokens as the sum over its spans, which are the text without white space', () => {
      for (const text of [...TEXTS, '', ' \n\t', 'a'.repeat(1_000)]) {
        const spans = model.tokenSpans(text);
        expect(spans.reduce((sum, span) => sum + span.tokens, 0)).toBe(model.countTokens(text));
        const covered = spans.map(({ start, end }) => text.slice(start, end)).join('');
        expect(covered.replace(/\s/g, '')).toBe(text.replace(/\s/g, ''));
      }
      expect(model.countTokens('one')).toBeGreaterThan(0);
    });

    it('embeds a text far over its limit', async () => {
      const [vector] = await model.embed(['long words '.repeat(model.maxTokens * 2)]);
      expect(Math.hypot(...(vector ?? []))).toBeCloseTo(1, 5);
    });

    it('refuses after it was closed, and closes twice', async () => {
      const other = await open();
      await other.close();
      await other.close();
      if (other.id.startsWith('feature-hash')) return;
      await expect(other.embed(['late'])).rejects.toMatchObject({ code: 'model-failed' });
    });
  });
};
