import fc from 'fast-check';
import { expect, test } from 'vitest';
import { splitSentences } from '../../../../connectors/models/language/split-sentences.ts';

const texts = (text: string) => splitSentences(text).map((sentence) => sentence.text);

test('prose is cut at sentence ends, not at abbreviations, versions or prices', () => {
  expect(
    texts('The X200 (v2.1) costs 19.99 EUR, e.g. in Spain. Dr. Lee says so! Is it new? "Yes." It is.'),
  ).toEqual([
    'The X200 (v2.1) costs 19.99 EUR, e.g. in Spain.',
    'Dr. Lee says so!',
    'Is it new?',
    '"Yes."',
    'It is.',
  ]);
});

test('lists and key-value lines stand alone; a wrapped line goes on', () => {
  expect(
    texts('- First step\n- Second step\nReturn window: 30 days\nPrice: 20\n\nA line that was\nwrapped here.'),
  ).toEqual([
    'First step',
    'Second step',
    'Return window: 30 days',
    'Price: 20',
    'A line that was wrapped here.',
  ]);
});

test('a heading is what its sentences stand under', () => {
  expect(splitSentences('Intro.\n## Return window ##\n30 days.')).toEqual([
    { text: 'Intro.', heading: '' },
    { text: '30 days.', heading: 'Return window' },
  ]);
});

test('no sentence is empty and none is made up', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('A b. ', 'C? ', '\n', '# H\n', '- x\n', 'e.g. ', '. ', 'word ')),
      (parts) => {
        const text = parts.join('');
        for (const sentence of texts(text)) {
          expect(sentence).not.toBe('');
          expect(text.replace(/\s+/g, ' ')).toContain(sentence.replace(/\s+/g, ' '));
        }
      },
    ),
  );
});

/** As patterns alone cut a text before: each result is theirs, in time that grows as the text does. */
const before = (text: string): readonly { readonly text: string; readonly heading: string }[] => {
  const headingOf = /^#{1,6}\s+(.*?)\s*#*$/;
  const abbreviation =
    /(?:^|[\s(])(?:e\.g|i\.e|etc|vs|approx|no|nos|dr|mr|mrs|ms|st|inc|ltd|fig|cf|min|max|[A-Za-z])\.$/i;
  const boundary = /[.!?…]+["'”’)\]]*(?=\s+["'“‘([]?[\p{Lu}\p{N}])/gu;
  const cut = (paragraph: string): readonly string[] => {
    const sentences: string[] = [];
    let start = 0;
    for (const match of paragraph.matchAll(boundary)) {
      const end = match.index + match[0].length;
      const sentence = paragraph.slice(start, end);
      if (abbreviation.test(sentence)) continue;
      sentences.push(sentence.trim());
      start = end;
    }
    const rest = paragraph.slice(start).trim();
    return rest === '' ? sentences : [...sentences, rest];
  };
  const sentences: { text: string; heading: string }[] = [];
  let heading = '';
  let paragraph = '';
  const finish = () => {
    sentences.push(...cut(paragraph).map((sentence) => ({ text: sentence, heading })));
    paragraph = '';
  };
  for (const rawLine of text.split('\n')) {
    const line = rawLine.trim();
    const title = headingOf.exec(line)?.[1];
    if (title !== undefined || line === '') {
      finish();
      heading = title ?? heading;
      continue;
    }
    const continues = paragraph !== '' && /^[\p{Ll}(]/u.test(line) && !/[.!?:]$/.test(paragraph);
    if (!continues) finish();
    paragraph = continues ? `${paragraph} ${line}` : line.replace(/^(?:[-*+•]|\d{1,3}[.)])\s+/, '');
  }
  finish();
  return sentences;
};

test('any text is cut as it was', () => {
  const part = fc.oneof(
    fc.constantFrom(
      ...[
        'A',
        'b',
        'word',
        'Word',
        'Dr',
        'approx',
        'e.g',
        'No',
        '7',
        '.',
        '..',
        '!',
        '…',
        '"',
        '”',
        ')',
        ']',
        '(',
        '“',
      ],
      ...[
        ' ',
        '  ',
        '\n',
        '\n\n',
        '\t',
        '\r',
        '\u2028',
        '\u00a0',
        '#',
        '# ',
        '## ',
        ' ##',
        '- ',
        '1. ',
        ':',
        'É',
        '𝐀',
        '\ud83d',
      ],
    ),
    fc.string({ unit: 'grapheme', maxLength: 3 }),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 25 }), (parts) => {
      expect(splitSentences(parts.join(''))).toEqual(before(parts.join('')));
    }),
    { numRuns: 20_000 },
  );
});
