import { expect, test } from 'vitest';
import { searchIndex } from '../../../pipelines/apply-index/search-index.ts';
import { settingsOver } from './search-over.ts';

test('I6: what a receipt says is taken with the generation, not behind a switch to the next', async () => {
  let serving = 'old';
  const { basis, ...settings } = settingsOver([]);
  const searching = searchIndex(
    { ...settings, basis: () => ({ ...basis(), index: serving }) },
    { query: 'q', tenant: 'acme', topK: 1 },
  );
  serving = 'next';
  expect((await searching).receipt.index).toBe('old');
});
