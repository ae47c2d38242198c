/** What a text is found by: words and codes, as one pattern used to find them that took a minute for a word of 100,000 letters. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { tokenize } from '../../../connectors/keyword-index/tokens.mjs';

const before = (text: string): readonly string[] => [
  ...(text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []),
  ...(text.toLowerCase().match(/[\p{L}\p{N}]+(?:[-._/][\p{L}\p{N}]+)+/gu) ?? []),
];

test('words and codes of any text are what they were', () => {
  const part = fc.oneof(
    fc.constantFrom(
      'INC-20417',
      '4.12.3',
      'a',
      'É',
      '鍵',
      '𝐀',
      '7',
      '-',
      '.',
      '_',
      '/',
      '--',
      ' ',
      ', ',
      '\n',
    ),
    fc.string({ unit: 'grapheme', maxLength: 5 }),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 20 }), (parts) => {
      const text = parts.join('');
      fc.pre(text.length <= 120);
      expect(tokenize(text)).toEqual(before(text));
    }),
    { numRuns: 5_000 },
  );
  expect(tokenize('Error INC-20417 in 4.12.3')).toEqual([
    ...['error', 'inc', '20417', 'in', '4', '12', '3'],
    ...['inc-20417', '4.12.3'],
  ]);
});

test('a word or code without an end counts by its beginning', () => {
  expect(tokenize('X'.repeat(1_000))).toEqual(['x'.repeat(128)]);
  const codes = tokenize('a-'.repeat(500)).filter((token) => token.includes('-'));
  expect(codes).toEqual(['a-'.repeat(64)]);
});
