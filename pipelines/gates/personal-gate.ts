/** Personal data by form: mail addresses, telephone, card, account and social security numbers. */
import type { PersonalDataKind } from '../../schemas/gate-settings.ts';
import { fieldsOf, type Gate, PASS, type Sighting } from './gate.ts';
import { linearPattern, lowerCase, type Span } from './linear-pattern.ts';
import { plainSigns } from './plain-signs.ts';
import { cardsOf, numberRuns, passesLuhn } from './scan-numbers.ts';
import { redactingVerdict } from './secrets-gate.ts';

const MOST = 100;
const EMAIL = linearPattern(
  '[a-z0-9][a-z0-9._%+-]{0,63}@[a-z0-9](?:[a-z0-9.-]{0,200}[a-z0-9])?\\.[a-z]{2,24}',
  ['@'],
);
const SSN = /^\d{3}-\d{2}-\d{4}$/;
/** The same beside other numbers, and no part of a longer one. */
const SSN_WITHIN = /(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])/g;
const SSN_LENGTH = 11;
/** Major Industry Identifiers of payment cards: 2 to 6. */
const CARD = /^[2-6]\d{12,18}$/;

const isCard = (digits: string): boolean => CARD.test(digits) && passesLuhn(digits);

const isUpper = (code: number): boolean => code >= 65 && code <= 90;
const isDigit = (code: number): boolean => code >= 48 && code <= 57;
/** With the spaces that people write in it, and without. */
const LONGEST_ACCOUNT = 42;
const MOST_SIGNS = 34;
const FEWEST_SIGNS = 15;

/** Digits count as themselves and letters from 10 on, so that a letter is two digits. */
const withSign = (rest: number, code: number): number =>
  isDigit(code) ? (rest * 10 + code - 48) % 97 : (rest * 100 + code - 55) % 97;

/**
 * Where the longest account that begins at `at` ends, or -1. ISO 13616: its digits, the first four signs (two letters, two
 * digits: six digits) put last, are 1 modulo 97. One pass, for the rest of a longer one goes on from that of a shorter one.
 */
const accountEnd = (text: string, at: number): number => {
  let head = 0;
  for (let sign = at; sign < at + 4; sign += 1) head = withSign(head, text.charCodeAt(sign));
  let longest = -1;
  let rest = 0;
  let signs = 4;
  for (let end = at + 4; end < text.length && end - at < LONGEST_ACCOUNT && signs < MOST_SIGNS; end += 1) {
    const code = text.charCodeAt(end);
    if (code === 32 && text.charCodeAt(end - 1) !== 32) continue;
    if (!isUpper(code) && !isDigit(code)) break;
    rest = withSign(rest, code);
    signs += 1;
    // Words in capitals may follow: the longest part that holds.
    if (signs >= FEWEST_SIGNS && (rest * 1_000_000 + head) % 97 === 1) longest = end + 1;
  }
  return longest;
};

/** Two letters and two digits begin one; each such place is looked at once, as far as the longest account goes. */
const accountSpans = (text: string): readonly Span[] => {
  const spans: Span[] = [];
  for (let at = 0; at + 15 <= text.length && spans.length < MOST; at += 1) {
    const begins =
      isUpper(text.charCodeAt(at)) &&
      isUpper(text.charCodeAt(at + 1)) &&
      isDigit(text.charCodeAt(at + 2)) &&
      isDigit(text.charCodeAt(at + 3));
    if (!begins) continue;
    const end = accountEnd(text, at);
    if (end < 0) continue;
    spans.push({ start: at, end });
    at = end;
  }
  return spans;
};

/** `plain`: the text in plain signs, of the same length. */
const spansOf = (
  kind: PersonalDataKind,
  text: string,
  lower: string,
  plain: string,
  steps: (characters: number) => void,
): readonly Span[] => {
  switch (kind) {
    case 'email':
      return EMAIL.find(text, lower, MOST, steps);
    case 'bank-account':
      steps(text.length * LONGEST_ACCOUNT);
      return accountSpans(plain);
    case 'payment-card':
      steps(text.length);
      return numberRuns(plain).flatMap((run) => cardsOf(run, isCard));
    case 'social-security-number':
      steps(text.length);
      return numberRuns(plain).flatMap(({ start, text: written }) =>
        [...written.matchAll(SSN_WITHIN)].map(({ index }) => ({
          start: start + index,
          end: start + index + SSN_LENGTH,
        })),
      );
    case 'phone':
      steps(text.length);
      return numberRuns(plain).filter(
        ({ digits, text: written }) =>
          digits.length <= 15 && digits.length >= 9 && /^(?:\+|\(|0)/.test(written) && !SSN.test(written),
      );
    default:
      return kind satisfies never;
  }
};

export const personalDataIn = (
  text: string,
  field: string,
  kinds: readonly PersonalDataKind[],
  steps: (characters: number) => void = () => undefined,
): readonly Sighting[] => {
  const lower = lowerCase(text);
  const plain = plainSigns(text);
  return kinds.flatMap((reason): readonly Sighting[] => {
    const spans = spansOf(reason, text, lower, plain, steps);
    return spans.length < MOST
      ? spans.map(({ start, end }) => ({ ...{ start, end, reason, field }, detail: `${reason} in ${field}` }))
      : [
          {
            ...{ field, start: 0, end: text.length },
            reason: 'too-many',
            detail: `${MOST} and more of ${reason}`,
          },
        ];
  });
};

export const personalDataGate: Gate = {
  name: 'personal-data',
  judge: (draft, { settings: { personalData }, steps }) =>
    personalData.action === 'off'
      ? PASS
      : redactingVerdict(
          draft,
          personalData.action,
          fieldsOf(draft).flatMap(([field, text]) => personalDataIn(text, field, personalData.kinds, steps)),
        ),
};
