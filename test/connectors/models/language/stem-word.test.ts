import { expect, test } from 'vitest';
import { stemWord } from '../../../../connectors/models/language/stem-word.ts';

test.each([
  ['returns', 'returned', 'returning', 'return'],
  ['policies', 'policy'],
  ['refunded', 'refund', 'refunds'],
  ['charging', 'charged', 'charges', 'charge'],
  ['shipping', 'shipped', 'ships', 'ship'],
  ['cancelling', 'cancelled'],
  ['deliveries', 'delivery'],
  ['updates', 'updated', 'update'],
  ['addresses', 'address'],
])('%s and its forms have one stem', (...words) => {
  expect(new Set(words.map(stemWord)).size).toBe(1);
});

test.each(['x200', 'status', 'bus', 'is', '30', 'ß'])('%s stays apart from other words', (word) => {
  expect(stemWord(word).length).toBeGreaterThanOrEqual(Math.max(1, word.length - 1));
});

test('what is longer than any word is left alone, at once', () => {
  const long = `${'y'.repeat(1_000_000)}eed`;
  expect(stemWord(long)).toBe(long);
});
