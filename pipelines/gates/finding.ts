/** What a person is shown of a sighting: the span with some text around it, without anybody's secrets. Pure. */
import { PERSONAL_DATA_KINDS } from '../../schemas/gate-settings.ts';
import type { GateName } from '../../schemas/gates.ts';
import type { Finding } from '../../schemas/records.ts';
import { wellFormed } from '../../schemas/well-formed.ts';
import type { Draft } from '../index-documents/draft.ts';
import { fieldOf, type Sighting } from './gate.ts';
import { personalDataIn } from './personal-gate.ts';
import { redactText } from './redact-spans.ts';
import { secretsIn } from './secrets-gate.ts';

const AROUND = 80;
const MOST_OF_SPAN = 400;
/** Read beyond what is shown, so that a secret at its edge is still whole. */
const MARGIN = 4_096;
const REDACTED: ReadonlySet<GateName> = new Set(['secrets', 'personal-data']);

/** Secrets and personal data of a text, those that overlap as one, in order. */
const secretSpans = (text: string): readonly Sighting[] => {
  const found = [...secretsIn(text, 'text'), ...personalDataIn(text, 'text', PERSONAL_DATA_KINDS)];
  const merged: Sighting[] = [];
  for (const each of found.sort((a, b) => a.start - b.start || b.end - a.end)) {
    const last = merged.at(-1);
    if (last && each.start < last.end)
      merged[merged.length - 1] = { ...last, end: Math.max(last.end, each.end) };
    else merged.push(each);
  }
  return merged;
};

/** Text of a row as it may be shown and logged. */
export const withoutSecrets = (text: string): string => redactText(text, secretSpans(text));

/** Where a place of a text is in what is left of it: within a secret, at the near or the far end of what stands for it. */
const placeAfter = (spans: readonly Sighting[], place: number, far: boolean): number => {
  let shift = 0;
  for (const { start, end, reason } of spans) {
    const size = reason.length + 2;
    if (place <= start) break;
    if (place < end) return start + shift + (far ? size : 0);
    shift += size - (end - start);
  }
  return place + shift;
};

export const findingOf = (gate: GateName, draft: Draft, sighting: Sighting): Finding => {
  const { field, start, end } = sighting;
  const text = fieldOf(draft, field);
  const from = Math.max(0, start - MARGIN);
  const to = Math.min(text.length, Math.min(end, start + MARGIN) + MARGIN);
  const window = text.slice(from, to);
  const secrets = secretSpans(window);
  const own: Sighting = { ...sighting, start: start - from, end: Math.min(end, to) - from };
  const hidden = REDACTED.has(gate) ? mergedWith(secrets, own) : secrets;
  const clean = redactText(window, hidden);
  const first = placeAfter(hidden, own.start, false);
  const last = placeAfter(hidden, own.end, true);
  const shown = Math.min(last, first + MOST_OF_SPAN);
  const before = clean.slice(Math.max(0, first - AROUND), first);
  const after = shown < last ? '' : clean.slice(last, last + AROUND);
  const span = clean.slice(first, shown);
  return {
    ...{ field, start, end },
    excerpt: wellFormed(before + span + after),
    excerptStart: before.length,
    excerptEnd: before.length + span.length,
  };
};

const mergedWith = (spans: readonly Sighting[], own: Sighting): readonly Sighting[] => {
  const apart = spans.filter(({ start, end }) => end <= own.start || start >= own.end);
  const over = spans.filter((each) => !apart.includes(each));
  const start = Math.min(own.start, ...over.map((each) => each.start));
  const end = Math.max(own.end, ...over.map((each) => each.end));
  return [...apart, { ...own, start, end }].sort((a, b) => a.start - b.start);
};
