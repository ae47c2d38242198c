/**
 * Instructions to models hidden in data: said openly, in comments, in invisible characters, letter by letter over lines, or
 * encoded. A flag goes with the document to whoever reads it; whether it is refused is the table's choice.
 */
import type { GateReason } from '../../schemas/gates.ts';
import type { Draft } from '../index-documents/draft.ts';
import { DECODING_READS, decodeRuns } from './decode-runs.ts';
import { type FoldedText, foldAscii, foldText, squeeze } from './folded-text.ts';
import { fieldsOf, type Gate, type GateContext, PASS, type Sighting, verdictOf } from './gate.ts';
import { INSTRUCTION_PATTERNS, type InstructionPattern, SQUEEZED_PATTERN } from './instruction-patterns.ts';
import { mayMatchAny, type Span } from './linear-pattern.ts';

const MOST = 20;
/** Encoded within encoded: as often as anyone would unpack it by accident. */
const MOST_DEPTH = 3;

/** Spans of `<!-- … -->` in the original; one that is never closed goes to the end. */
const commentsIn = (text: string): readonly Span[] => {
  const spans: Span[] = [];
  for (let at = text.indexOf('<!--'); at >= 0 && spans.length < 1_000; at = text.indexOf('<!--', at)) {
    const close = text.indexOf('-->', at + 4);
    const end = close < 0 ? text.length : close + 3;
    spans.push({ start: at, end });
    at = end;
  }
  return spans;
};

const original = ({ origins }: FoldedText, { start, end }: Span, size: number): Span => ({
  start: origins[start] ?? 0,
  end: Math.min(size, (origins[end - 1] ?? 0) + 1),
});

const maySpeakToModels = mayMatchAny(INSTRUCTION_PATTERNS.map(({ pattern }) => pattern));

/** What was seen in a text, whichever field it is of. */
type Seen = Omit<Sighting, 'field'>;

/** What is said in so many words, whatever is between their letters. */
const saidIn = (
  text: string,
  patterns: readonly InstructionPattern[],
  squeezed: boolean,
  steps: GateContext['steps'],
): readonly Seen[] => {
  const folded = foldText(text);
  const sightings: Seen[] = folded.hidden.slice(0, MOST).map(({ start, end, detail }) => ({
    ...{ start, end, detail, reason: 'hidden-from-people' },
  }));
  const comments = commentsIn(text);
  const add = (found: FoldedText, span: Span, reason: GateReason<'instructions'>): void => {
    const { start, end } = original(found, span, text.length);
    const within = ({ start: from, end: to }: Span): boolean => from <= start && end <= to;
    const kind = folded.hidden.some((each) => each.start < end && start < each.end)
      ? 'hidden-from-people'
      : comments.some(within)
        ? 'in-comment'
        : reason;
    sightings.push({ start, end, reason: kind, detail: 'said to a model' });
  };
  let open = 0;
  for (const { reason, pattern } of patterns) {
    for (const span of pattern.find(folded.text, folded.text, MOST, steps)) {
      open += 1;
      add(folded, span, reason);
    }
  }
  if (open === 0 && squeezed) {
    const letters = squeeze(folded);
    for (const span of SQUEEZED_PATTERN.find(letters.text, letters.text, MOST, steps))
      add(letters, span, 'overrides-instructions');
  }
  return sightings;
};

const instructionsIn = (text: string, steps: GateContext['steps'], depth = 0): readonly Seen[] => {
  steps(text.length * 2);
  const plain = foldAscii(text);
  const likely =
    !plain || maySpeakToModels(plain.text)
      ? INSTRUCTION_PATTERNS.filter(({ pattern }) => !plain || pattern.matches(plain.text, plain.text, steps))
      : [];
  const squeezedLikely = !plain || SQUEEZED_PATTERN.matches(plain.squeezed, plain.squeezed, steps);
  const sightings =
    likely.length > 0 || squeezedLikely ? [...saidIn(text, likely, squeezedLikely, steps)] : [];
  if (depth < MOST_DEPTH) {
    steps(text.length * DECODING_READS);
    for (const { start, end, text: decoded } of decodeRuns(text)) {
      if (instructionsIn(decoded, steps, depth + 1).length === 0) continue;
      sightings.push({ start, end, reason: 'encoded', detail: 'encoded, and said to a model' });
      if (sightings.length > MOST * 4) break;
    }
  }
  return sightings;
};

const inField = (field: string, seen: Seen): Sighting => ({
  ...seen,
  field,
  detail: `${seen.detail}, in ${field}`,
});

/** As one: the title stands before the text in what is embedded and read, and a sentence may begin in it. What does is shown in the text. */
const inTitleAndText = ({ title, text }: Draft, steps: GateContext['steps']): readonly Sighting[] => {
  const before = title === '' ? '' : `${title}\n`;
  return instructionsIn(before + text, steps).map((seen): Sighting => {
    const { start, end } = seen;
    return end <= before.length
      ? inField('title', { ...seen, end: Math.min(end, title.length) })
      : inField('text', { ...seen, start: Math.max(0, start - before.length), end: end - before.length });
  });
};

export const instructionsGate: Gate = {
  name: 'instructions',
  judge: (draft, { settings: { instructions }, steps }) =>
    instructions === 'off'
      ? PASS
      : verdictOf(instructions, [
          ...inTitleAndText(draft, steps),
          ...fieldsOf(draft)
            .filter(([field]) => field !== 'title' && field !== 'text')
            .flatMap(([field, text]) => instructionsIn(text, steps).map((seen) => inField(field, seen))),
        ]),
};
