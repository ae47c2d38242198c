/** What people write becomes the id that the index knows. */
import { expect, test } from 'vitest';
import { documentIdOf as idOf, type KeyValue } from '../../../schemas/document-id.ts';

const { documentIdOf } = (await import(
  new URL('../../../gateway/dashboard/document-id.js', import.meta.url).href
)) as { readonly documentIdOf: (text: string) => string };

test.each<[string, string, Readonly<Record<string, KeyValue>>]>([
  ['shop/public.articles/17', 'public.articles', { id: 17 }],
  ['  shop/public.articles/17 ', 'public.articles', { id: 17 }],
  ['shop/public.order lines/7,a b', 'public.order lines', { line: 7, order: 'a b' }],
  ["shop/public.files/docs/o'neil (1).md", 'public.files', { path: "docs/o'neil (1).md" }],
  ['shop/public.files/100 %', 'public.files', { path: '100 %' }],
])('%s is found by its row', (text, table, key) => {
  expect(documentIdOf(text)).toBe(idOf('shop', table, key));
});

test('an id stays as it is', () => {
  for (const id of [
    idOf('shop', 'public.files', { path: 'a/b, c' }),
    idOf('memory', 'memory.x', { id: 'ü' }),
  ])
    expect(documentIdOf(id)).toBe(id);
});
