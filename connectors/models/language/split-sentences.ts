export type Sentence = {
  readonly text: string;
  /** The heading it stands under, or an empty string. */
  readonly heading: string;
};

const HEADING = /^#{1,6}\s+(.*?)\s*#*$/;
const BULLET = /^(?:[-*+•]|\d{1,3}[.)])\s+/;
/** After these a full stop does not end a sentence. */
const ABBREVIATION =
  /(?:^|[\s(])(?:e\.g|i\.e|etc|vs|approx|no|nos|dr|mr|mrs|ms|st|inc|ltd|fig|cf|min|max|[A-Za-z])\.$/i;
const BOUNDARY = /[.!?…]+["'”’)\]]*(?=\s+["'“‘([]?[\p{Lu}\p{N}])/gu;

/**
 * Sentences of English prose, lists and markdown headings, in order. A line that goes on in lower case belongs to the
 * one before it; every other line break ends a sentence, so that a list item or `Key: value` stands alone.
 */
export const splitSentences = (text: string): readonly Sentence[] => {
  const sentences: Sentence[] = [];
  let heading = '';
  let paragraph = '';
  const finish = () => {
    sentences.push(...cutParagraph(paragraph).map((sentence) => ({ text: sentence, heading })));
    paragraph = '';
  };
  for (const rawLine of text.split('\n')) {
    const line = rawLine.trim();
    const title = HEADING.exec(line)?.[1];
    if (title !== undefined || line === '') {
      finish();
      heading = title ?? heading;
      continue;
    }
    const continues = paragraph !== '' && /^[\p{Ll}(]/u.test(line) && !/[.!?:]$/.test(paragraph);
    if (!continues) finish();
    paragraph = continues ? `${paragraph} ${line}` : line.replace(BULLET, '');
  }
  finish();
  return sentences;
};

const cutParagraph = (paragraph: string): readonly string[] => {
  const sentences: string[] = [];
  let start = 0;
  for (const match of paragraph.matchAll(BOUNDARY)) {
    const end = match.index + match[0].length;
    const sentence = paragraph.slice(start, end);
    if (ABBREVIATION.test(sentence)) continue;
    sentences.push(sentence.trim());
    start = end;
  }
  const rest = paragraph.slice(start).trim();
  return rest === '' ? sentences : [...sentences, rest];
};
