/** Runs of digits with the signs that people put between them, read once from left to right. Pure. */
export interface NumberRun {
  readonly start: number;
  readonly end: number;
  /** Digits alone. */
  readonly digits: string;
  /** As written. */
  readonly text: string;
}

const MOST_DIGITS = 30;
const isDigit = (code: number): boolean => code >= 48 && code <= 57;
const BETWEEN = new Set([' ', '-', '.', '(', ')', '/', '\u00a0']);

/** A run ends at anything else, or at two such signs in a row that are not `) ` or ` (`. */
export const numberRuns = (text: string): readonly NumberRun[] => {
  const runs: NumberRun[] = [];
  let start = -1;
  let end = -1;
  let digits = '';
  const close = (): void => {
    if (start >= 0 && digits.length >= 7) runs.push({ start, end, digits, text: text.slice(start, end) });
    start = -1;
    digits = '';
  };
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (isDigit(code)) {
      if (start < 0) start = text[at - 1] === '+' ? at - 1 : at;
      if (digits.length < MOST_DIGITS) digits += text[at];
      end = at + 1;
    } else if (start >= 0 && (!BETWEEN.has(text[at] ?? '') || at - end >= 2)) close();
  }
  close();
  return runs;
};

/** ISO/IEC 7812: every card number holds it, one in ten others too. */
export const passesLuhn = (digits: string): boolean => {
  let sum = 0;
  for (let at = 0; at < digits.length; at += 1) {
    const digit = digits.charCodeAt(digits.length - 1 - at) - 48;
    const doubled = at % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
};
