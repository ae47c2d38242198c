/** A text of the same length in which blanks, dashes and digits of every script and of typesetters are those of ASCII. Pure. */
const NOT_ASCII = /[^\0-\x7f]/;
/** U+2212 is a minus sign. */
const BLANKS = /\p{Zs}/gu;
const DASHES = /[\p{Pd}\u2212]/gu;
const DIGITS = /(?![0-9])\p{Nd}/gu;
const DIGIT = /^\p{Nd}$/u;

/** Digits of two code units stay as they are. Those of one stand ten by ten, from nought on. */
const asciiDigit = (digit: string): string => {
  if (digit.length > 1) return digit;
  const code = digit.charCodeAt(0);
  let nought = code;
  while (DIGIT.test(String.fromCharCode(nought - 1))) nought -= 1;
  return String(code - nought);
};

export const plainSigns = (text: string): string =>
  NOT_ASCII.test(text)
    ? text
        .replace(BLANKS, ' ')
        .replace(DASHES, (dash) => (dash.length > 1 ? dash : '-'))
        .replace(DIGITS, asciiDigit)
    : text;
