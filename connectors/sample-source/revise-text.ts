import { fillTemplate } from './fill-template.ts';
import { type Random, seededRandom } from './seeded-random.ts';

const notes = [
  'A reader from {area} pointed out that this also holds for [rented homes|older houses|holiday flats].',
  'Checked with the engineers on a {day}; [nothing had to be changed|the advice above stands].',
  'In {number} calls about this last week, [most people|nearly everybody] had missed the second sentence.',
  'Support in {area} is on the phone until {hour} o’clock this week.',
  'Those who joined the trial in {area} get this [{number} days earlier|first].',
  'A film of {number} seconds that shows it is being made and will be linked here.',
  'The picture that stood here was out of date and [will come back|has been taken out].',
  'Because of a holiday in {area} answers may take [a day|two days] longer.',
  'Request {number} of the customers’ council asked for plainer words here; we hope that this is better.',
  'Stocks in {area} are low at the moment; [{number} pieces are|a delivery is] on the way.',
];
const areas = [
  'the north',
  'the south',
  'the hills',
  'the islands',
  'the harbour towns',
  'the border country',
  'the lake district',
  'the capital',
];
const days = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday'];
const MOST_NOTES = 3;

const writeNote = (step: number, random: Random): string => {
  const slots = {
    area: random.pick(areas),
    day: random.pick(days),
    number: String(random.integer(3, 90)),
    hour: String(random.integer(5, 9)),
  };
  return `Note ${step}: ${fillTemplate(random.pick(notes), slots, random)}`;
};

const isNote = (paragraph: string): boolean => /^Note \d+: /.test(paragraph);

/**
 * The text after an editor's hand: a numbered note added before a heading or at the end, rewritten, or taken out, three
 * at most. All other paragraphs stay word for word, so what the text answers it goes on answering. Never the same text.
 */
export const reviseText = (text: string, seed: number, step: number): string => {
  const random = seededRandom(seed, 'revise', step);
  const paragraphs = text.split('\n\n');
  const present = paragraphs.flatMap((paragraph, index) => (isNote(paragraph) ? [index] : []));
  const note = writeNote(step, random);
  if (present.length === 0 || (present.length < MOST_NOTES && random.chance(0.4))) {
    const places = paragraphs.flatMap((paragraph, index) =>
      index > 0 && paragraph.startsWith('## ') ? [index] : [],
    );
    paragraphs.splice(random.pick([...places, paragraphs.length]), 0, note);
  } else if (random.chance(0.6)) {
    paragraphs.splice(random.pick(present), 1, note);
  } else {
    paragraphs.splice(random.pick(present), 1);
  }
  const revised = paragraphs.join('\n\n');
  return revised === text ? `${text}\n\n${note}` : revised;
};
