/** Caps and depth of a search, over rankings that are given: what stands further down is found, however much a cap leaves out above it. */
import { expect, test } from 'vitest';
import type { SearchRequest } from '../../../schemas/search.ts';
import { documentOf, searchOver } from './search-over.ts';

/** A document of 120 parts, all of them nearer than any of 20 others. */
const DOCUMENTS = [
  documentOf('a', 0, 120, 0.9),
  ...Array.from({ length: 20 }, (_, key) => documentOf('b', key + 1, 1, 0.8 - key / 100)),
];
test.each<[string, Partial<SearchRequest>, number]>([
  ['by vectors', { mode: 'vector' }, 3],
  ['by words', { mode: 'keyword' }, 3],
  ['by both', { mode: 'hybrid' }, 3],
  ['with a cap of one per document', { mode: 'vector', maxPerDocument: 1 }, 1],
])('%s, a long document fills no more of the answer than its cap', async (_, request, most) => {
  const { hits } = await searchOver(DOCUMENTS)(request);
  expect(hits).toHaveLength(10);
  expect(hits.filter(({ documentId }) => documentId === 'a/t/0')).toHaveLength(most);
});

test('what no cap lets in is looked for as far as there are rows, and no further', async () => {
  const asked: number[] = [];
  const { hits } = await searchOver(DOCUMENTS, asked)({ mode: 'vector', maxPerSource: 2 });
  expect(hits.map(({ documentId }) => documentId)).toEqual(['a/t/0', 'a/t/0', 'b/t/1', 'b/t/2']);
  // 120 chunks and 20.
  expect(asked.at(-1)).toBeGreaterThan(140);
});
