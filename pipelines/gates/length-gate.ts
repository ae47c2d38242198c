/** A text that is too short to mean something, or too long to be one document. */
import { type Gate, PASS } from './gate.ts';

export const lengthGate: Gate = {
  name: 'length',
  judge: ({ text }, { settings: { minTextCharacters: least, maxTextCharacters: most } }) => {
    const at = { field: 'text', end: text.length };
    if (text.length > most)
      return {
        kind: 'quarantine',
        sightings: [
          {
            ...{ ...at, start: most, reason: 'too-many-characters' },
            detail: `${text.length} characters, at most ${most}`,
          },
        ],
      };
    if (text.length < least)
      return {
        kind: 'quarantine',
        sightings: [
          {
            ...{ ...at, start: 0, reason: 'too-few-characters' },
            detail: `${text.length} characters, at least ${least}`,
          },
        ],
      };
    return PASS;
  },
};
