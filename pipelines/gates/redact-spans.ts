/** Takes spans out of the fields of a draft, each replaced by its name in brackets. Pure. */
import type { Draft } from '../index-documents/draft.ts';
import type { Sighting } from './gate.ts';

export const redactText = (
  text: string,
  spans: readonly Pick<Sighting, 'start' | 'end' | 'reason'>[],
): string => {
  const ordered = [...spans].sort((a, b) => a.start - b.start || b.end - a.end);
  const pieces: string[] = [];
  let from = 0;
  for (const { start, end, reason } of ordered) {
    // Within or across one that is gone already: what sticks out goes with it.
    if (end <= from) continue;
    if (start >= from) pieces.push(text.slice(from, start), `[${reason}]`);
    from = end;
  }
  pieces.push(text.slice(from));
  return pieces.join('');
};

export const redactDraft = (draft: Draft, sightings: readonly Sighting[]): Draft => {
  const within = (field: string) => sightings.filter((each) => each.field === field);
  return {
    ...draft,
    title: redactText(draft.title, within('title')),
    text: redactText(draft.text, within('text')),
    metadata: Object.fromEntries(
      Object.entries(draft.metadata).map(([name, value]) => [
        name,
        redactText(value, within(`metadata.${name}`)),
      ]),
    ),
  };
};
