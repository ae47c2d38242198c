/** Fields that a table's documents must have. */
import { fieldOf, type Gate, PASS } from './gate.ts';

export const requiredGate: Gate = {
  name: 'required',
  judge: (draft, { settings, steps }) => {
    for (const field of settings.required) {
      const value = fieldOf(draft, field);
      steps(value.length);
      if (value.trim() !== '') continue;
      const at = { field, start: 0, end: value.length };
      return {
        kind: 'quarantine',
        sightings: [
          field === 'text'
            ? { ...at, reason: 'no-text', detail: 'no text but white space' }
            : { ...at, reason: 'missing-field', detail: `${field} is empty` },
        ],
      };
    }
    return PASS;
  },
};
