import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cutText, shortenedTo } from '../../schemas/cut-text.ts';

const TEXT = fc.string({ unit: 'binary', maxLength: 40 });

test('a cut text begins the whole one, is as long as asked but for half a pair, and never ends in one', () => {
  fc.assert(
    fc.property(TEXT, fc.nat(45), (text, characters) => {
      const cut = cutText(text, characters);
      expect(text.startsWith(cut)).toBe(true);
      expect(Buffer.from(cut).toString()).toBe(cut);
      const wanted = Math.min(text.length, characters);
      expect(wanted - cut.length).toBeLessThanOrEqual(1);
    }),
  );
  expect(cutText('a😀b', 2)).toBe('a');
  expect(cutText('a😀b', 3)).toBe('a😀');
});

test('an ellipsis stands where something is left out, and nowhere else', () => {
  expect(shortenedTo('freshet', 7)).toBe('freshet');
  expect(shortenedTo('freshet', 5)).toBe('fresh…');
});
