/**
 * Instructions to models hidden in data: said openly, in comments, in invisible characters, letter by letter over lines, or
 * encoded. A flag goes with the document to whoever reads it; whether it is refused is the table's choice.
 */
import type { GateReason } from '../../schemas/gates.ts';
import { decodeRuns } from './decode-runs.ts';
import { type FoldedText, foldAscii, foldText, squeeze } from './folded-text.ts';
import { fieldsOf, type Gate, PASS, type Sighting, verdictOf } from './gate.ts';
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

/** What is said in so many words, whatever is between their letters. */
const saidIn = (
  text: string,
  field: string,
  patterns: readonly InstructionPattern[],
  squeezed: boolean,
  steps: (characters: number) => void,
): readonly Sighting[] => {
  const folded = foldText(text);
  const sightings: Sighting[] = folded.hidden.slice(0, MOST).map(({ start, end, detail }) => ({
    ...{ field, start, end, detail, reason: 'hidden-from-people' },
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
    sightings.push({ ...{ field, start, end, reason: kind }, detail: `said to a model, in ${field}` });
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

export const instructionsIn = (
  text: string,
  field: string,
  steps: (characters: number) => void = () => undefined,
  depth = 0,
): readonly Sighting[] => {
  steps(text.length * 2);
  const plain = foldAscii(text);
  const likely =
    !plain || maySpeakToModels(plain.text)
      ? INSTRUCTION_PATTERNS.filter(({ pattern }) => !plain || pattern.matches(plain.text, plain.text, steps))
      : [];
  const squeezedLikely = !plain || SQUEEZED_PATTERN.matches(plain.squeezed, plain.squeezed, steps);
  const sightings =
    likely.length > 0 || squeezedLikely ? [...saidIn(text, field, likely, squeezedLikely, steps)] : [];
  if (depth < MOST_DEPTH) {
    steps(text.length);
    for (const { start, end, text: decoded } of decodeRuns(text)) {
      if (instructionsIn(decoded, field, steps, depth + 1).length === 0) continue;
      sightings.push({
        ...{ field, start, end, reason: 'encoded' },
        detail: `encoded, and said to a model, in ${field}`,
      });
      if (sightings.length > MOST * 4) break;
    }
  }
  return sightings;
};

export const instructionsGate: Gate = {
  name: 'instructions',
  judge: (draft, { settings: { instructions }, steps }) =>
    instructions === 'off'
      ? PASS
      : verdictOf(
          instructions,
          fieldsOf(draft).flatMap(([field, text]) => instructionsIn(text, field, steps)),
        ),
};
