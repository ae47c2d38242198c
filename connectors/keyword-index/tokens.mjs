// A text → the words that it is found by. Pure, and in time that grows as the text does. Plain JavaScript for the worker thread.

/** Signs of a word or a code that count: a longer one is found by its beginning, and costs no more memory than others. */
const LONGEST = 128;
const WORD = /[\p{L}\p{N}]+/gu;
/** A word, and all that hangs on to it: no part of it is read again where nothing does. */
const COMPOUND = /[\p{L}\p{N}]+(?:[-._/][\p{L}\p{N}]+)*/gu;
const SEPARATOR = /[-._/]/;

const cut = (token) => (token.length > LONGEST ? token.slice(0, LONGEST) : token);

/** @param {string} text @returns {string[]} */
export const wordsOf = (text) => (text.toLowerCase().match(WORD) ?? []).map(cut);
/** A code such as INC-20417 or 4.12.3 counts as its parts and as a whole. */
const codesOf = (text) =>
  (text.toLowerCase().match(COMPOUND) ?? []).filter((token) => SEPARATOR.test(token)).map(cut);

/** @param {string} text @returns {string[]} words in their order, then codes in theirs */
export const tokenize = (text) => [...wordsOf(text), ...codesOf(text)];
