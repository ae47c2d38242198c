/** The same text again, or nearly: under another id, for the same tenant. */
import { fingerprintOf } from './fingerprint.ts';
import { type Gate, PASS, verdictOf } from './gate.ts';

export const duplicatesGate: Gate = {
  name: 'duplicates',
  judge: ({ text, tenant }, { settings: { duplicates }, documentId, lookalikes, steps }) => {
    if (duplicates.same === 'off' && duplicates.near === 'off') return PASS;
    steps(text.length);
    const fingerprint = fingerprintOf(text);
    const least = duplicates.near === 'off' ? 65 : Math.ceil(duplicates.similarity * 64);
    const found = lookalikes.find(tenant, documentId, fingerprint, least);
    if (!found) return PASS;
    const same = found.same && duplicates.same !== 'off';
    return verdictOf(same ? duplicates.same : duplicates.near, [
      {
        ...{ field: 'text', start: 0, end: text.length, reason: found.same ? 'same-text' : 'near-text' },
        detail: `${found.same ? 'the same text as' : 'nearly the text of'} ${found.documentId}`,
      },
    ]);
  },
};
