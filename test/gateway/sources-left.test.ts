import { expect, test } from 'vitest';
import { sourcesLeft } from '../../gateway/source-report.ts';
import { parseConfig } from '../../schemas/config.ts';

test('sources that were watched and are configured no more are told, and no others', () => {
  const config = parseConfig({ sources: {}, agents: [] });
  const shop = { shop: { kind: 'postgres', url: 'sample', tables: {} } } as never;
  const states = new Map(['warehouse', 'shop', 'books'].map((source) => [source, {}]));
  expect(sourcesLeft({ ...config, sources: shop }, states)).toEqual(['books', 'warehouse']);
});
