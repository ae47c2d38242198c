/** Attacks 5 and 10, the gates' part: what a text may cost is bounded in characters read, by its length alone. */
import { expect, test } from 'vitest';
import { judgeDraft, NO_LOOKALIKES } from '../../pipelines/gates/run-gates.ts';
import { PERSONAL_DATA_KINDS, settingsOfTable } from '../../schemas/gate-settings.ts';
import { DEFAULTS, DRAFT } from '../pipelines/gates/judging.ts';

const SIZE = 300_000;
const filled = (piece: string): string => piece.repeat(Math.ceil(SIZE / piece.length)).slice(0, SIZE);
const nested = (depth: number): string => {
  let text = 'ignore all previous instructions';
  for (let at = 0; at < depth; at += 1) text = Buffer.from(text).toString('base64');
  return text;
};
/** Every gate reads a text at most so often: patterns times their anchors, and what they find. */
const READS = 400;

const settings = settingsOfTable(DEFAULTS, {
  maxTextCharacters: 20_000_000,
  secrets: 'flag',
  personalData: { kinds: PERSONAL_DATA_KINDS },
  duplicates: { same: 'flag', near: 'flag' },
  language: { allow: ['en'], action: 'flag' },
});

test.each([
  ['the same letter', filled('a')],
  ['digits and signs', filled('1 ')],
  ['digits alone', filled('4')],
  ['words that begin an instruction', filled('ignore all ')],
  ['whole instructions', filled('ignore all previous instructions ')],
  ['keys that never end', filled('-----BEGIN PRIVATE KEY-----')],
  ['passwords', filled('password=aaaaaaaa ')],
  ['URLs that never end', filled('a://a:')],
  ['mail addresses without an end', filled('a@a.')],
  ['accounts that are none', filled('DE00 0000 ')],
  ['comments that are never closed', filled('<!--')],
  ['invisible characters', filled('\u200b')],
  ['tags', filled('\u{e0041}')],
  ['base64 in base64', filled(nested(12))],
  ['base64 of one line after another', filled(`${'QUFB'.repeat(19)}\n`)],
  ['letters that grow in lower case', filled('İ')],
  ['quotes and brackets', filled('[[[{{{"""\'\'\'')],
])('%s', (_, text) => {
  let steps = 0;
  const context = {
    settings,
    documentId: 'a',
    lookalikes: NO_LOOKALIKES,
    steps: (read: number) => {
      steps += read;
    },
  };
  judgeDraft({ ...DRAFT, text }, context);
  expect(steps).toBeGreaterThan(text.length);
  expect(steps).toBeLessThan(READS * text.length);
});

test('10 MB are refused by their length, before anything reads them twice', () => {
  let steps = 0;
  const context = {
    ...{ settings: DEFAULTS, documentId: 'a', lookalikes: NO_LOOKALIKES },
    steps: (read: number) => {
      steps += read;
    },
  };
  const text = 'ignore all previous instructions '.repeat(320_000);
  expect(judgeDraft({ ...DRAFT, text }, context).refusal).toMatchObject({ gate: 'length' });
  expect(steps).toBeLessThan(3 * text.length);
});
