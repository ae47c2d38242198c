/** Personal data by form: mail addresses, telephone, card, account and social security numbers. */
import type { PersonalDataKind } from '../../schemas/gate-settings.ts';
import { fieldsOf, type Gate, PASS, type Sighting } from './gate.ts';
import { linearPattern, lowerCase, type Span } from './linear-pattern.ts';
import { numberRuns, passesLuhn } from './scan-numbers.ts';
import { redactingVerdict } from './secrets-gate.ts';

const MOST = 100;
const EMAIL = linearPattern(
  '[a-z0-9][a-z0-9._%+-]{0,63}@[a-z0-9](?:[a-z0-9.-]{0,200}[a-z0-9])?\\.[a-z]{2,24}',
  ['@'],
);
const SSN = /^\d{3}-\d{2}-\d{4}$/;
/** Major Industry Identifiers of payment cards: 2 to 6. */
const CARD = /^[2-6]\d{12,18}$/;

/** ISO 13616: the digits of country, check digits and account modulo 97 are 1. */
const passesMod97 = (account: string): boolean => {
  const plain = account.replaceAll(' ', '');
  let rest = 0;
  for (const sign of plain.slice(4) + plain.slice(0, 4)) {
    const value = Number.parseInt(sign, 36);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return plain.length >= 15 && plain.length <= 34 && rest === 1;
};

const isUpper = (code: number): boolean => code >= 65 && code <= 90;
const isDigit = (code: number): boolean => code >= 48 && code <= 57;
const LONGEST_ACCOUNT = 42;

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
    let end = at + 4;
    for (; end < text.length && end - at < LONGEST_ACCOUNT; end += 1) {
      const code = text.charCodeAt(end);
      const spaced = code === 32 && text.charCodeAt(end - 1) !== 32;
      if (!isUpper(code) && !isDigit(code) && !spaced) break;
    }
    // Words in capitals may follow: the longest part that holds.
    for (; end - at >= 15; end -= 1) {
      if (text[end - 1] === ' ' || !passesMod97(text.slice(at, end))) continue;
      spans.push({ start: at, end });
      at = end;
      break;
    }
  }
  return spans;
};

const spansOf = (
  kind: PersonalDataKind,
  text: string,
  lower: string,
  steps: (characters: number) => void,
): readonly Span[] => {
  switch (kind) {
    case 'email':
      return EMAIL.find(text, lower, MOST, steps);
    case 'bank-account':
      steps(text.length * LONGEST_ACCOUNT);
      return accountSpans(text);
    case 'payment-card':
      steps(text.length);
      return numberRuns(text).filter(({ digits }) => CARD.test(digits) && passesLuhn(digits));
    case 'social-security-number':
      steps(text.length);
      return numberRuns(text).filter((run) => SSN.test(run.text));
    case 'phone':
      steps(text.length);
      return numberRuns(text).filter(
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
  return kinds.flatMap((reason): readonly Sighting[] => {
    const spans = spansOf(reason, text, lower, steps);
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
