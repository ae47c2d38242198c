import { expect, test } from 'vitest';
import { digest } from '../../agents/digest/digest.ts';
import type { SearchHit, SearchResponse } from '../../schemas/search.ts';

const hit = (documentId: string): SearchHit => ({
  ...{
    documentId,
    chunk: 0,
    title: documentId,
    text: 'text',
    score: 1,
    metadata: {},
    version: 'v',
    ageMs: 1,
  },
});
const response: SearchResponse = {
  hits: ['results/results.digest/t-1', 'shop/public.a/1', 'shop/public.a/1', 'shop/public.a/2'].map(hit),
  receipt: {
    ...{ index: 'i', at: 1, watermarks: {}, stalenessMs: null, fresh: null, newestApplied: {} },
  },
};
const planned = (replies: readonly string[]) =>
  digest.plan?.({
    input: { topic: 'returns', documents: 5 },
    results: [{ name: 'search', output: response, error: null }],
    replies,
  } as never);

test('each document found is asked about once, and what agents wrote is not summed up again', () => {
  expect(planned([])).toMatchObject({ ask: { content: expect.stringContaining('shop/public.a/1') } });
  expect(planned(['one'])).toMatchObject({ ask: { content: expect.stringContaining('shop/public.a/2') } });
  expect(planned(['one', 'two'])).toMatchObject({
    answer: {
      documents: [{ documentId: 'shop/public.a/1', says: 'one' }, { documentId: 'shop/public.a/2' }],
    },
  });
});
