/** Credentials in a row: they would be embedded, found by search, and read out by an agent. */
import type { Draft } from '../index-documents/draft.ts';
import {
  fieldsOf,
  type Gate,
  type GateContext,
  PASS,
  type Sighting,
  type Verdict,
  verdictOf,
} from './gate.ts';
import { lowerCase, mayMatchAny } from './linear-pattern.ts';
import { redactDraft } from './redact-spans.ts';
import { SECRET_PATTERNS } from './secret-patterns.ts';

/** Of a field and a pattern. A document with more than that is a list of secrets, and refused. */
const MOST = 100;

const mayHoldSecrets = mayMatchAny(SECRET_PATTERNS.map(({ pattern }) => pattern));

export const secretsIn = (
  text: string,
  field: string,
  steps: GateContext['steps'] = () => undefined,
): readonly Sighting[] => {
  const lower = lowerCase(text);
  steps(text.length);
  if (!mayHoldSecrets(lower)) return [];
  return SECRET_PATTERNS.flatMap(({ name, reason, pattern }) => {
    const spans = pattern.find(text, lower, MOST, steps);
    const sightings: Sighting[] = spans.map((span) => ({
      ...span,
      reason,
      field,
      detail: `${name} in ${field}`,
    }));
    return spans.length < MOST
      ? sightings
      : [
          {
            ...{ field, start: 0, end: text.length },
            reason: 'too-many',
            detail: `${MOST} and more of ${name}`,
          } as const,
        ];
  });
};

/** The verdict of a gate that may take out what it saw. */
export const redactingVerdict = (
  draft: Draft,
  action: 'off' | 'flag' | 'redact' | 'quarantine',
  sightings: readonly Sighting[],
): Verdict => {
  if (sightings.length === 0) return PASS;
  const tooMany = sightings.find((each) => each.reason === 'too-many');
  if (action === 'redact')
    return tooMany
      ? { kind: 'quarantine', sightings: [tooMany] }
      : { kind: 'redact', draft: redactDraft(draft, sightings), sightings };
  return verdictOf(action, sightings);
};

export const secretsGate: Gate = {
  name: 'secrets',
  judge: (draft, { settings, steps }) =>
    settings.secrets === 'off'
      ? PASS
      : redactingVerdict(
          draft,
          settings.secrets,
          fieldsOf(draft).flatMap(([field, text]) => secretsIn(text, field, steps)),
        ),
};
