import { expect, test } from 'vitest';
import { oneLine } from '../../../agents/memory/one-line.ts';

test('a text on one line, as long as it may be, and no half of a character at its end', () => {
  expect(oneLine('  two \n lines ', 9)).toBe('two lines');
  expect(oneLine('two lines', 8)).toBe('two lin…');
  expect(oneLine('a 🙂 face', 4)).toBe('a …');
});
