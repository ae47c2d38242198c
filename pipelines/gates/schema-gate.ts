/** Is it a document at all: a tenant that can be asked for, and text that is made of characters. */
import type { Draft } from '../index-documents/draft.ts';
import { fieldsOf, type Gate, PASS, type Sighting, type Verdict } from './gate.ts';

const MAX_TENANT_CHARACTERS = 200;
/** One character class each: a scan that goes back nowhere. */
const LONE_SURROGATE = /\p{Surrogate}/u;
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

const refuse = (sighting: Sighting): Verdict => ({ kind: 'quarantine', sightings: [sighting] });

const tenantFault = ({ tenant }: Draft): Sighting | undefined => {
  const at = { field: 'tenant', start: 0, end: tenant.length };
  if (tenant === '') return { ...at, reason: 'no-tenant', detail: 'the mapping gave an empty tenant' };
  if (tenant.length > MAX_TENANT_CHARACTERS)
    return {
      ...at,
      reason: 'bad-tenant',
      detail: `a tenant of ${tenant.length} characters, at most ${MAX_TENANT_CHARACTERS}`,
    };
  const start = tenant.search(UNPRINTABLE);
  if (start < 0) return undefined;
  return { ...at, start, end: start + 1, reason: 'bad-tenant', detail: 'a control character in the tenant' };
};

export const schemaGate: Gate = {
  name: 'schema',
  judge: (draft, { steps }) => {
    const fault = tenantFault(draft);
    if (fault) return refuse(fault);
    const names = Object.keys(draft.metadata).map((name) => [`metadata.${name}`, name] as const);
    for (const [field, text] of [['tenant', draft.tenant] as const, ...fieldsOf(draft), ...names]) {
      steps(text.length);
      const start = text.search(LONE_SURROGATE);
      if (start < 0) continue;
      return refuse({
        ...{ field, start, end: start + 1, reason: 'bad-text' },
        detail: `half of a surrogate pair at ${start} of ${field} is no character`,
      });
    }
    return PASS;
  },
};
