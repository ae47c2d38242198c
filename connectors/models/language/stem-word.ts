/**
 * The stem of a lower-case English word: steps 1a to 1c of Porter's algorithm (Porter 1980, An algorithm for suffix
 * stripping), which take off plural, -ed, -ing and -y, and of 5a that a longer word loses its last e. The steps between
 * join words that mean different things.
 * Words with a digit, and words of up to two letters or over 64, are left alone: of those nobody knows the stem, and to look for it
 * takes time that grows with the square of their length.
 */
export const stemWord = (word: string): string => {
  if (word.length <= 2 || word.length > LONGEST || !/^[a-z]+$/.test(word)) return word;
  return withoutLastE(endInI(withoutPast(withoutPlural(word))));
};

const LONGEST = 64;
const CONTAINS_VOWEL = /[aeiou]|[^aeiou]y/;
const ENDS_SHORT = /^(?:[aeiouy][^aeiouywx]|[^aeiou]*[aeiouy][^aeiouywx])$/;
const MEASURED = /^[^aeiou]*[aeiouy]+[^aeiouy]/;

const withoutPlural = (word: string): string => {
  if (word.endsWith('sses') || word.endsWith('ies')) return word.slice(0, -2);
  return word.endsWith('s') && !word.endsWith('ss') && word.length > 3 ? word.slice(0, -1) : word;
};

const withoutPast = (word: string): string => {
  if (word.endsWith('eed')) return MEASURED.test(word.slice(0, -3)) ? word.slice(0, -1) : word;
  const ending = word.endsWith('ed') ? 2 : word.endsWith('ing') ? 3 : 0;
  const stem = word.slice(0, word.length - ending);
  if (ending === 0 || !CONTAINS_VOWEL.test(stem)) return word;
  if (/(?:at|bl|iz)$/.test(stem)) return `${stem}e`;
  if (/([^aeiouylsz])\1$/.test(stem)) return stem.slice(0, -1);
  return ENDS_SHORT.test(stem) ? `${stem}e` : stem;
};

const endInI = (word: string): string =>
  word.endsWith('y') && CONTAINS_VOWEL.test(word.slice(0, -1)) ? `${word.slice(0, -1)}i` : word;

const withoutLastE = (word: string): string => (word.length > 4 ? word.replace(/([^e])e$/, '$1') : word);
