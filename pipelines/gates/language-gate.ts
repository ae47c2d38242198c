/** The language of a text, where a table takes only some. What is too short or too mixed to tell passes. */
import { eld } from 'eld/small';
import { type Gate, PASS, verdictOf } from './gate.ts';

/** As much as tells a language; more only costs time. */
const READ_CHARACTERS = 1_000;
const LEAST_CHARACTERS = 40;

export const languageGate: Gate = {
  name: 'language',
  judge: ({ text }, { settings: { language }, steps }) => {
    if (language.allow.length === 0 || language.action === 'off') return PASS;
    const read = text.slice(0, READ_CHARACTERS);
    steps(read.length);
    if (read.trim().length < LEAST_CHARACTERS) return PASS;
    const found = eld.detect(read);
    if (!found.isReliable() || found.language === '' || language.allow.includes(found.language)) return PASS;
    return verdictOf(language.action, [
      {
        ...{ field: 'text', start: 0, end: read.length, reason: 'other-language' },
        detail: `reads as ${found.language}; taken are ${language.allow.join(', ')}`,
      },
    ]);
  },
};
