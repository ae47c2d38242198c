/** A text that is too short to mean something, or too long to be one document, by itself or with what stands beside it. */
import { fieldsOf, type Gate, PASS, type Sighting, type Verdict } from './gate.ts';

/** Of title and metadata together, however short the texts of a table may be. */
const LEAST_OF_MOST_BESIDE = 20_000;

const refuse = (sighting: Sighting): Verdict => ({ kind: 'quarantine', sightings: [sighting] });

export const lengthGate: Gate = {
  name: 'length',
  judge: (draft, { settings: { minTextCharacters: least, maxTextCharacters: most } }) => {
    const { length } = draft.text;
    const at = { field: 'text', end: length };
    if (length > most)
      return refuse({
        ...{ ...at, start: most, reason: 'too-many-characters' },
        detail: `${length} characters, at most ${most}`,
      });
    if (length < least)
      return refuse({
        ...{ ...at, start: 0, reason: 'too-few-characters' },
        detail: `${length} characters, at least ${least}`,
      });
    const mostBeside = Math.max(most, LEAST_OF_MOST_BESIDE);
    let beside = 0;
    for (const [field, text] of fieldsOf(draft)) {
      if (field === 'text') continue;
      // The names of metadata may be a stranger's too.
      beside += field.length + text.length;
      if (beside > mostBeside)
        return refuse({
          ...{ field, start: 0, end: text.length, reason: 'too-many-characters' },
          detail: `title and metadata of more than ${mostBeside} characters`,
        });
    }
    return PASS;
  },
};
