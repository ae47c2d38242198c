export type Sentence = {
  readonly text: string;
  /** The heading it stands under, or an empty string. */
  readonly heading: string;
};

const HEADING = /^#{1,6}\s+/;
const LINE_BREAK = /[\r\u2028\u2029]/;
const BULLET = /^(?:[-*+•]|\d{1,3}[.)])\s+/;
/** After these a full stop does not end a sentence. */
const ABBREVIATION =
  /(?:^|[\s(])(?:e\.g|i\.e|etc|vs|approx|no|nos|dr|mr|mrs|ms|st|inc|ltd|fig|cf|min|max|[A-Za-z])\.$/i;
/** Of no more characters than this, with the sign before it. */
const LONGEST_ABBREVIATION = 12;
/** What may end a sentence, and what has to follow: apart, so that a run that ends none is read once and not from each of its signs. */
const ENDING = /[.!?…]+["'”’)\]]*/g;
const FOLLOWING = /\s+["'“‘([]?[\p{Lu}\p{N}]/uy;

/** The words of a heading without the signs at either end; undefined for another line. The line has no white space at its ends. */
const titleOf = (line: string): string | undefined => {
  const marks = HEADING.exec(line)?.[0].length;
  if (marks === undefined) return undefined;
  let end = line.length;
  while (end > marks && line[end - 1] === '#') end -= 1;
  const title = line.slice(marks, end).trimEnd();
  return LINE_BREAK.test(title) ? undefined : title;
};

/**
 * Sentences of English prose, lists and markdown headings, in order. A line that goes on in lower case belongs to the
 * one before it; every other line break ends a sentence, so that a list item or `Key: value` stands alone.
 */
export const splitSentences = (text: string): readonly Sentence[] => {
  const sentences: Sentence[] = [];
  let heading = '';
  let lines: string[] = [];
  const finish = () => {
    for (const sentence of cutParagraph(lines.join(' '))) sentences.push({ text: sentence, heading });
    lines = [];
  };
  for (const rawLine of text.split('\n')) {
    const line = rawLine.trim();
    const title = titleOf(line);
    if (title !== undefined || line === '') {
      finish();
      heading = title ?? heading;
      continue;
    }
    const before = lines.at(-1)?.at(-1);
    const continues = before !== undefined && /^[\p{Ll}(]/u.test(line) && !/[.!?:]/.test(before);
    if (!continues) finish();
    lines.push(continues ? line : line.replace(BULLET, ''));
  }
  finish();
  return sentences;
};

const cutParagraph = (paragraph: string): readonly string[] => {
  const sentences: string[] = [];
  let start = 0;
  for (const match of paragraph.matchAll(ENDING)) {
    const end = match.index + match[0].length;
    FOLLOWING.lastIndex = end;
    if (!FOLLOWING.test(paragraph)) continue;
    if (ABBREVIATION.test(paragraph.slice(Math.max(start, end - LONGEST_ABBREVIATION), end))) continue;
    sentences.push(paragraph.slice(start, end).trim());
    start = end;
  }
  const rest = paragraph.slice(start).trim();
  return rest === '' ? sentences : [...sentences, rest];
};
