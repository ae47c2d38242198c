import { at, type Random, seededRandom } from './seeded-random.ts';
import { productOfBlock } from './subjects.ts';
import type { Topic } from './topic.ts';
import { type Scope, TOPICS } from './topics/all-topics.ts';

/** How long an article is: from one line to several pages. */
export type ArticleForm = 'line' | 'short' | 'plain' | 'long' | 'pages';

/** What an article will say, decided before a word is written, so that labels need no text. */
export type ArticlePlan = {
  readonly scope: Scope;
  readonly form: ArticleForm;
  /** The question in its title: no other article of the sample has this one as its main topic. */
  readonly main: Topic;
  /** All topics in the order of their sections; holds the main one. */
  readonly topics: readonly Topic[];
};

/** The last article of a block is about its town or tariff, the others about its product. */
const SUBJECT_SLOTS = 6;

const drawForm = (random: Random): ArticleForm => {
  const drawn = random.fraction();
  if (drawn < 0.1) return 'line';
  if (drawn < 0.34) return 'short';
  if (drawn < 0.73) return 'plain';
  return drawn < 0.93 ? 'long' : 'pages';
};

const topicCount = (form: ArticleForm, random: Random): number => {
  if (form === 'long') return random.integer(2, 4);
  return form === 'pages' ? random.integer(9, 14) : 1;
};

/** The order in which a block's product is written about: article i starts at the i-th topic. */
export const productTopics = (seed: number, block: number): readonly Topic[] => {
  const { nature } = productOfBlock(seed, block).family;
  return seededRandom(seed, 'topics', block).shuffle<Topic>(TOPICS[nature]);
};

export const planArticle = (seed: number, block: number, slot: number): ArticlePlan => {
  const random = seededRandom(seed, 'plan-article', block, slot);
  const form = drawForm(random);
  const aboutProduct = slot < SUBJECT_SLOTS;
  const scope: Scope = aboutProduct
    ? productOfBlock(seed, block).family.nature
    : random.pick(['place', 'plan'] as const);
  const all: readonly Topic[] = aboutProduct
    ? productTopics(seed, block)
    : random.shuffle<Topic>(TOPICS[scope]);
  const first = aboutProduct ? slot : 0;
  const rotated = [...all.slice(first), ...all.slice(0, first)];
  const topics = random.shuffle(rotated.slice(0, topicCount(form, random)));
  return { scope, form, main: at(rotated, 0), topics };
};
