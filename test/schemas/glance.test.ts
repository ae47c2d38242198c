import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isSearchResponse } from '../../agents/runtime/retrieved-passages.ts';
import { GLANCE_CHARACTERS, glanceOf } from '../../schemas/glance.ts';
import { RECEIPT } from '../gateway/index-peer.ts';

const LONG = fc.string({ unit: 'binary', minLength: 0, maxLength: 3_000 });

test('a glance is JSON and short, whatever it is of', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.jsonValue({ maxDepth: 8 }).map((value) => JSON.stringify(value)),
        fc
          .dictionary(LONG, fc.array(LONG, { maxLength: 40 }), { maxKeys: 30 })
          .map((value) => JSON.stringify(value)),
        fc.string({ unit: 'binary', maxLength: 10_000 }),
      ),
      (text) => {
        const glance = glanceOf(text);
        expect(glance.length).toBeLessThanOrEqual(GLANCE_CHARACTERS);
        expect(() => JSON.parse(glance)).not.toThrow();
        expect(Buffer.from(glance).toString()).toBe(glance);
      },
    ),
  );
});

test('of a search with many long hits it is a search with fewer and shorter ones', () => {
  const hit = (index: number) => ({
    documentId: `help/public.articles/${index}`,
    chunk: 0,
    version: '00000001-00000000016e3600',
    title: `Article ${index}`,
    text: 'word '.repeat(2_000),
    score: 0.5,
    ageMs: 100,
    metadata: { lang: 'en' },
  });
  const response = { hits: Array.from({ length: 50 }, (_, index) => hit(index)), receipt: RECEIPT };
  const glance: unknown = JSON.parse(glanceOf(JSON.stringify(response)));
  expect(isSearchResponse(glance)).toBe(true);
  const { hits } = glance as typeof response;
  expect(hits.length).toBeGreaterThan(3);
  expect(hits[0]).toMatchObject({ documentId: 'help/public.articles/0', ageMs: 100 });
});

test('what is short stays as it is', () => {
  const value = { a: [1, 'two', null], b: { c: true } };
  expect(JSON.parse(glanceOf(JSON.stringify(value)))).toEqual(value);
  expect(glanceOf('no JSON')).toBe('"no JSON"');
});
