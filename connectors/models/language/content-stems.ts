import { stemWord } from './stem-word.ts';

const STOP_WORDS = new Set(
  `a about am an and answer any are as at be been being but by can could did do does doing for from get had has have how
  i if in into is it its just me my of on or our out please question shall should so some tell than that the their them
  then there these they this those to up us was we were what when where which who whom whose why will with would you
  your`.split(/\s+/),
);
const WORD = /[\p{L}\p{N}]+(?:[-.'’_][\p{L}\p{N}]+)*/gu;
const CONTRACTION = /(?:n['’]t|['’](?:s|m|d|re|ve|ll))$/;

/** Stems of the English words of a text that carry meaning, in order. "X-200" and "v2.1" stay one word. */
export const contentStems = (text: string): readonly string[] =>
  (text.toLowerCase().match(WORD) ?? [])
    .map((word) => word.replace(CONTRACTION, ''))
    .filter((word) => !STOP_WORDS.has(word))
    .map(stemWord);
