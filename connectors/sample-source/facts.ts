import { fillTemplate, type Slots } from './fill-template.ts';
import { seededRandom } from './seeded-random.ts';
import { slotsOfBlock } from './subjects.ts';
import type { Topic } from './topic.ts';

/** What the help centre says on one topic of one block. The answer is a sentence that holds the fact. */
export type Fact = {
  readonly slots: Slots;
  readonly fact: string;
  readonly answer: string;
  readonly question: string;
};

/** The same wherever it is stated: an article, a guide and a product's summary never contradict each other. */
export const factOf = (seed: number, block: number, topic: Topic): Fact => {
  const random = seededRandom(seed, 'fact', block, topic.key);
  const slots: Record<string, string> = { ...slotsOfBlock(seed, block) };
  for (const [name, value] of Object.entries(topic.values)) slots[name] = value(random);
  return {
    slots,
    fact: slots.fact ?? '',
    answer: fillTemplate(random.pick(topic.answers), slots, random),
    question: fillTemplate(random.pick(topic.questions), slots, random),
  };
};
