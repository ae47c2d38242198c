import { expect, test } from 'vitest';
import { exactArguments } from '../../cli/exact-arguments.ts';

test('arguments are shown to their end, and nothing in them unseen', () => {
  const hidden = { note: 'x'.repeat(5_000), to: 'a\u202eb\u200bc\u{e0041}d\u001b[2K', usd: '9000' };
  const shown = exactArguments(hidden);
  expect(shown).toMatch(/"usd":"9000"\}$/);
  expect(shown).toMatch(/^[\x20-\x7e]+$/);
  expect(JSON.parse(shown)).toEqual(hidden);
});

test.each(['\ufe0f', '\u{e0100}', '\u115f', '\u3164', '\uffa0', '\u034f', '\u17b4', '\u2800'])(
  'a sign that shows as nothing is escaped, whatever Unicode calls it (%j)',
  (sign) => {
    const shown = exactArguments({ to: `an${sign}na` });
    expect(shown).toMatch(/^[\x20-\x7e]+$/);
    expect(JSON.parse(shown)).toEqual({ to: `an${sign}na` });
  },
);

test('words of any language stay as they are', () => {
  expect(exactArguments({ to: 'Grüße, 東京 🌊' })).toBe('{"to":"Grüße, 東京 🌊"}');
  expect(exactArguments(undefined)).toBe('null');
});
