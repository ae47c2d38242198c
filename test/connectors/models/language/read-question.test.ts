import { expect, test } from 'vitest';
import { holdsQuantity, readQuestion } from '../../../../connectors/models/language/read-question.ts';

test('a question falls into focus, codes and names', () => {
  expect(readQuestion('What is the return window for the Dapple X200 in Berlin?')).toEqual({
    stems: ['return', 'window', 'dapple', 'x200', 'berlin'].map((stem) =>
      stem === 'dapple' ? 'dappl' : stem,
    ),
    focus: ['return', 'window'],
    codes: ['x200'],
    properNames: ['dappl', 'x200', 'berlin'],
    quantity: true,
  });
  expect(readQuestion('Who can sign contracts?')).toMatchObject({
    stems: ['sign', 'contract'],
    focus: [],
    quantity: false,
  });
  expect(readQuestion(' ?!').stems).toEqual([]);
});

test.each([
  ['It takes 45 days.', true],
  ['It takes two weeks.', true],
  ['Every last Thursday of the month.', true],
  ['The X200 is light.', false],
  ['Release notes are online.', false],
])('%s holds a quantity: %s', (sentence, expected) => {
  expect(holdsQuantity(sentence)).toBe(expected);
});
