/** Runs of digits with the signs that people put between them, in plain signs (plain-signs.ts), read once from left to right. Pure. */
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
const BETWEEN = new Set([' ', '-', '.', '(', ')', '/']);

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

const FEWEST_CARD_DIGITS = 13;
const MOST_CARD_DIGITS = 19;
/** Lengths of groups as two makers of shorter cards print them; all others print fours. */
const PRINTED = /^4,6,[45]$/;

type Place = { readonly start: number; readonly end: number };

/**
 * Where a run holds card numbers: as a whole, as one group of its digits, or as groups that stand as on a card, at either end of the
 * fours in a row. A date, an expiry or a second number may stand beside one with nothing but a space between.
 */
export const cardsOf = (run: NumberRun, isCard: (digits: string) => boolean): readonly Place[] => {
  if (run.digits.length < FEWEST_CARD_DIGITS) return [];
  const groups = [...run.text.matchAll(/\d+/g)];
  const found: Place[] = [];
  const look = (first: number, last: number): void => {
    const digits = groups
      .slice(first, last + 1)
      .map(([group]) => group)
      .join('');
    const end = groups[last];
    if (digits.length > MOST_CARD_DIGITS || !end || !isCard(digits)) return;
    found.push({
      start: run.start + (groups[first]?.index ?? 0),
      end: run.start + end.index + end[0].length,
    });
  };
  const lengthAt = (at: number): number => groups[at]?.[0].length ?? 0;
  if (groups.length <= MOST_CARD_DIGITS) look(0, groups.length - 1);
  let fours = 0;
  for (let at = 0; at < groups.length; at += 1) {
    if (lengthAt(at) >= FEWEST_CARD_DIGITS) look(at, at);
    const place = fours % 4;
    fours = lengthAt(at) === 4 ? fours + 1 : 0;
    const isLast = fours > 0 && lengthAt(at + 1) !== 4;
    if (fours > 0 && (place === 3 || (isLast && fours > 4))) {
      look(at - 3, at);
      if (lengthAt(at + 1) < 4) look(at - 3, at + 1);
    }
    const lengths = [at, at + 1, at + 2].map(lengthAt).join(',');
    if (PRINTED.test(lengths)) look(at, at + 2);
  }
  return merged(found);
};

/** Those that overlap are one. */
const merged = (places: readonly Place[]): readonly Place[] => {
  const all: Place[] = [];
  for (const place of [...places].sort((a, b) => a.start - b.start)) {
    const last = all.at(-1);
    if (last && place.start < last.end)
      all[all.length - 1] = { start: last.start, end: Math.max(last.end, place.end) };
    else all.push(place);
  }
  return all;
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
