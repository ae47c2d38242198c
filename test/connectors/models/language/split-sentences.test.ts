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
