import { fillTemplate } from './fill-template.ts';
import { seededRandom } from './seeded-random.ts';
import { release } from './topic.ts';

/** The long document shows the newest `pages` releases up to release number `newest`, the newest on top. */
export type LongDocumentShape = { readonly newest: number; readonly pages: number };

export const LONG_DOCUMENT_PAGES = { fewest: 1, most: 12 } as const;

const entries = [
  'The {part} now [remembers|keeps] {thing} [after a restart|when the power fails|across updates], so nothing has to be entered twice.',
  'A fault is fixed that made {thing} [vanish|show up twice|come late] when {when}.',
  '[Opening|Loading] the {part} takes {number} milliseconds where it took a good second before, which [older phones feel most|you will notice on slow networks].',
  'You can [sort|search|filter] {thing} in the {part} by [date|room|device|cost].',
  'The {part} warns {number} minutes before it changes {thing}, and a tap puts it off until tomorrow.',
  'Limit {code} was raised to {number}, because [larger homes reached it|installers asked us to].',
  'Translations of the {part} into [Danish|Polish|Dutch|Welsh|Czech] were [looked over|made anew] by people who speak it.',
  'When {when}, the {part} says what it does about it instead of showing {code}.',
  'Readings of {thing} are rounded as on the bill, so that both agree to the cent.',
  'We took out the old way to change {thing}; the {part} has had a better one since spring.',
];
const parts = [
  'planner',
  'history view',
  'room list',
  'installer menu',
  'tariff page',
  'charging screen',
  'forecast',
  'alarm centre',
  'export',
  'guest access',
];
const things = [
  'cheap hours',
  'room names',
  'the charging limit',
  'meter readings',
  'holiday dates',
  'invitations',
  'filter reminders',
  'the weekly total',
  'pairing codes',
  'quiet hours',
];
const times = [
  'two people edit it at once',
  'the clocks change',
  'the router restarts',
  'a device answers late',
  'the phone is offline',
  'a tariff ends at midnight',
];
const entriesPerPage = 22;

/** One page: a release with its notes, about 450 words. */
const page = (seed: number, number: number): string => {
  const random = seededRandom(seed, 'release', number);
  const lines = Array.from({ length: entriesPerPage }, () => {
    const slots = {
      part: random.pick(parts),
      thing: random.pick(things),
      when: random.pick(times),
      number: String(random.integer(12, 400)),
      code: `L${random.integer(10, 99)}`,
    };
    return `- ${fillTemplate(random.pick(entries), slots, random)}`;
  });
  return `## Release ${number} (firmware ${release(random)})\n\nThis release reached all homes in the course of a week.\n\n${lines.join('\n')}`;
};

/** The text of the long document in a shape. A page reads the same as long as it is there. */
export const longDocument = (seed: number, shape: LongDocumentShape): string =>
  Array.from({ length: shape.pages }, (_, index) => page(seed, shape.newest - index)).join('\n\n');

/** The shape a text has: what a restarted editor goes on from. */
export const shapeOfLongDocument = (text: string): LongDocumentShape => {
  const releases = [...text.matchAll(/^## Release (\d+) /gm)].map((match) => Number(match[1]));
  return { newest: Math.max(1, ...releases), pages: Math.max(1, releases.length) };
};
