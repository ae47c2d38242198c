/**
 * Cuts a text into chunks of at most so many tokens, on heading and sentence borders, with an overlap of whole
 * sentences. Pure: the same text gives the same chunks, so that what an edit leaves alone keeps its hash.
 */
export interface ChunkLimits {
  readonly maxTokens: number;
  readonly overlapTokens: number;
  readonly countTokens: (text: string) => number;
}

/** A slice of the text, in UTF-16 code units, without white space at either end. */
export interface TextSlice {
  readonly start: number;
  readonly end: number;
}

interface Unit extends TextSlice {
  readonly tokens: number;
  readonly heading: boolean;
}

const SENTENCES = new Intl.Segmenter('en', { granularity: 'sentence' });
const ASCII = /^[\t\x20-\x7e]*$/;
const ENDING = /[.!?]/;
/** From the first sign that ends a sentence: no two parts take the same character, so that none is read twice. */
const END = /[.!?]+["')]*[ \t]*$/y;
const HEADING = /^#{1,6}\s/;
const HEADINGS = /^#{1,6}\s/m;

const trimmed = (text: string, { start, end }: TextSlice): TextSlice => {
  let from = start;
  let to = end;
  while (from < to && /\s/.test(text[from] ?? '')) from += 1;
  while (to > from && /\s/.test(text[to - 1] ?? '')) to -= 1;
  return { start: from, end: to };
};

/** Where to halve a slice that is too long: at the white space nearest its middle, never inside a surrogate pair. */
const middleOf = (text: string, { start, end }: TextSlice): number => {
  const middle = (start + end) >> 1;
  for (let distance = 0; distance < (end - start) / 4; distance += 1) {
    if (/\s/.test(text[middle + distance] ?? '')) return middle + distance;
    if (/\s/.test(text[middle - distance] ?? '')) return middle - distance;
  }
  const code = text.charCodeAt(middle);
  return code >= 0xdc00 && code <= 0xdfff ? middle - 1 : middle;
};

const unitsWithin = (
  text: string,
  slice: TextSlice,
  heading: boolean,
  limits: ChunkLimits,
): readonly Unit[] => {
  const piece = trimmed(text, slice);
  if (piece.start >= piece.end) return [];
  const tokens = limits.countTokens(text.slice(piece.start, piece.end));
  if (tokens <= limits.maxTokens || piece.end - piece.start < 2) return [{ ...piece, tokens, heading }];
  const middle = Math.min(Math.max(middleOf(text, piece), piece.start + 1), piece.end - 1);
  return [
    ...unitsWithin(text, { start: piece.start, end: middle }, heading, limits),
    ...unitsWithin(text, { start: middle, end: piece.end }, false, limits),
  ];
};

/** A line of ASCII that ends a sentence nowhere but at its end, if at all: most lines, and asking ICU costs more than all the rest. */
const isOneSentence = (line: string): boolean => {
  if (!ASCII.test(line)) return false;
  const end = line.search(ENDING);
  END.lastIndex = end;
  return end < 0 || END.test(line);
};

interface Segment {
  readonly index: number;
  readonly segment: string;
}

/** Code units that the segmenter is given at once. */
const WINDOW = 4_096;
/** What follows the end of a sentence decides whether it is one, as far as the next letter, terminator or separator. */
const DECIDING = /[\p{L}\p{STerm}\r\x85\u2028\u2029]/u;

const lastDeciding = (piece: string): number => {
  let at = piece.length - 1;
  while (at >= 0 && !DECIDING.test(piece[at] ?? '')) at -= 1;
  return at;
};

/**
 * The segmenter's own, asked a piece at a time: it copies all that it was given for each sentence that it finds, so that a line of
 * 100,000 characters took seconds. A piece begins where a sentence does, and an end in it counts once what decides it was seen.
 */
function* segmentsByPiece(line: string, window: number): Generator<Segment> {
  let start = 0;
  let size = window;
  while (start < line.length) {
    const piece = line.slice(start, start + size);
    const decided = start + size >= line.length ? piece.length : lastDeciding(piece);
    let taken = 0;
    for (const { index, segment } of SENTENCES.segment(piece)) {
      if (index + segment.length > decided) break;
      yield { index: start + index, segment };
      taken = index + segment.length;
    }
    size = taken > 0 ? window : size * 2;
    start += taken;
  }
}

/** Exported for its test: the same as the segmenter's, whatever the line and the window. */
export const segmentsOf = (line: string, window = WINDOW): Iterable<Segment> =>
  isOneSentence(line) ? [{ index: 0, segment: line }] : segmentsByPiece(line, window);

const sentencesOf = (text: string, limits: ChunkLimits): readonly Unit[] => {
  const units: Unit[] = [];
  let lineStart = 0;
  for (const line of text.split('\n')) {
    if (HEADING.test(line)) {
      units.push(...unitsWithin(text, { start: lineStart, end: lineStart + line.length }, true, limits));
    } else {
      for (const { index, segment } of segmentsOf(line)) {
        const start = lineStart + index;
        units.push(...unitsWithin(text, { start, end: start + segment.length }, false, limits));
      }
    }
    lineStart += line.length + 1;
  }
  return units;
};

/** The units that a following chunk repeats: whole sentences from the end, within the overlap, never across a heading. */
const overlapOf = (units: readonly Unit[], overlapTokens: number): Unit[] => {
  const repeated: Unit[] = [];
  let tokens = 0;
  for (const unit of [...units].reverse()) {
    tokens += unit.tokens;
    if (unit.heading || tokens > overlapTokens) break;
    repeated.push(unit);
  }
  return repeated.length < units.length ? repeated.reverse() : [];
};

/** Slices in order; none for a text of white space alone. */
export const chunkText = (text: string, limits: ChunkLimits): readonly TextSlice[] => {
  const whole = trimmed(text, { start: 0, end: text.length });
  if (whole.start >= whole.end) return [];
  // Most rows are one chunk: looking for their sentences would cost more than all that follows.
  if (!HEADINGS.test(text) && limits.countTokens(text.slice(whole.start, whole.end)) <= limits.maxTokens)
    return [whole];
  const slices: TextSlice[] = [];
  let open: Unit[] = [];
  let tokens = 0;
  let fresh = 0;
  const close = (): void => {
    const first = open[0];
    const last = open.at(-1);
    if (fresh > 0 && first && last) slices.push({ start: first.start, end: last.end });
    fresh = 0;
  };
  for (const unit of sentencesOf(text, limits)) {
    if (unit.heading && tokens * 2 >= limits.maxTokens) {
      close();
      open = [];
      tokens = 0;
    } else if (tokens + unit.tokens > limits.maxTokens) {
      close();
      open = overlapOf(open, Math.min(limits.overlapTokens, limits.maxTokens - unit.tokens));
      tokens = open.reduce((sum, each) => sum + each.tokens, 0);
    }
    open.push(unit);
    tokens += unit.tokens;
    fresh += 1;
  }
  close();
  return slices;
};
