import MiniSearch from 'minisearch';
import { expect, test } from 'vitest';
import { type Cleaned, cleanWhereDue } from '../../../connectors/keyword-index/keyword-vacuum.mjs';

test('rows that went while a vacuum ran are taken out behind it, though no other row goes', async () => {
  const search = new MiniSearch({ fields: ['text'], autoVacuum: false });
  const tags = new Map<string, readonly string[]>();
  const held: Cleaned = { search, tags, discarded: 0, cleaning: false };
  const remove = (id: string): void => {
    search.discard(id);
    tags.delete(id);
    held.discarded += 1;
    cleanWhereDue(held, () => true);
  };
  for (let at = 0; at < 2_000; at += 1) {
    search.add({ id: `r${at}`, text: Array.from({ length: 20 }, (_, n) => `w${at}x${n}`).join(' ') });
    tags.set(`r${at}`, []);
  }
  // The first 200 make a vacuum due; the others go while it runs.
  for (let at = 0; at < 1_990; at += 1) remove(`r${at}`);
  expect(held.cleaning).toBe(true);
  await expect.poll(() => held.cleaning, { timeout: 10_000 }).toBe(false);
  expect(held.discarded).toBe(0);
  expect(search.termCount).toBe(10 * 20);
});
