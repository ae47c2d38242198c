import { type ArticleForm, type ArticlePlan, planArticle } from './article-plan.ts';
import { type Fact, factOf } from './facts.ts';
import { fillTemplate, type Slots } from './fill-template.ts';
import { longDocument } from './long-document.ts';
import { BLOCK_ARTICLES, LONG_DOCUMENT_ID } from './row-numbers.ts';
import type { ArticleRow } from './sample-rows.ts';
import { sampleTime } from './sample-time.ts';
import { type Random, seededRandom } from './seeded-random.ts';
import { slotsOfBlock, tenantOfBlock } from './subjects.ts';
import type { Topic } from './topic.ts';
import { BACKGROUND, CLOSINGS, INTRODUCTIONS } from './words/article-words.ts';

const detailCount: Readonly<Record<ArticleForm, readonly [number, number]>> = {
  line: [0, 0],
  short: [2, 3],
  plain: [4, 5],
  long: [3, 5],
  pages: [4, 5],
};

/** One topic: the answer among its details, then perhaps the steps. */
const writeTopic = ({ slots, answer }: Fact, topic: Topic, form: ArticleForm, random: Random): string => {
  const [fewest, most] = detailCount[form];
  const details = random.shuffle(topic.details).slice(0, random.integer(fewest, most));
  const sentences = details.map((detail) => fillTemplate(detail, slots, random));
  sentences.splice(sentences.length > 1 && random.chance(0.3) ? 1 : 0, 0, answer);
  const steps = topic.steps ?? [];
  if (steps.length === 0 || form === 'line' || (form === 'short' && random.chance(0.8)))
    return sentences.join(' ');
  const numbered = steps.map((step, index) => `${index + 1}. ${fillTemplate(step, slots, random)}`);
  return `${sentences.join(' ')}\n\n${numbered.join('\n')}`;
};

const writeSections = (
  seed: number,
  block: number,
  plan: ArticlePlan,
  slots: Slots,
  random: Random,
): string[] => {
  const sections = plan.topics.map((topic) => {
    const fact = factOf(seed, block, topic);
    const heading = fillTemplate(random.pick(topic.titles), fact.slots, random);
    return `## ${heading}\n\n${writeTopic(fact, topic, plan.form, random)}`;
  });
  const extra = plan.form === 'pages' ? random.integer(4, 7) : random.integer(0, 1);
  for (const [title, text] of random
    .shuffle<readonly [string, string]>(BACKGROUND[plan.scope])
    .slice(0, extra)) {
    const place = title === 'Before you start' ? 0 : random.integer(0, sections.length);
    sections.splice(place, 0, `## ${title}\n\n${fillTemplate(text, slots, random)}`);
  }
  return sections;
};

const writeBody = (seed: number, block: number, plan: ArticlePlan, slots: Slots, random: Random): string => {
  if (plan.form === 'line') return writeTopic(factOf(seed, block, plan.main), plan.main, plan.form, random);
  const introduction = fillTemplate(random.pick(INTRODUCTIONS[plan.scope]), slots, random);
  const closing = fillTemplate(random.pick(CLOSINGS), slots, random);
  if (plan.form === 'long' || plan.form === 'pages') {
    return [introduction, ...writeSections(seed, block, plan, slots, random), closing].join('\n\n');
  }
  const answer = writeTopic(factOf(seed, block, plan.main), plan.main, plan.form, random);
  const parts = [
    plan.form === 'plain' || random.chance(0.4) ? introduction : '',
    answer,
    random.chance(0.6) ? closing : '',
  ];
  return parts
    .filter((part) => part !== '')
    .join(plan.form === 'plain' || answer.includes('\n') ? '\n\n' : ' ');
};

const writeTitle = (seed: number, block: number, plan: ArticlePlan, slots: Slots, random: Random): string => {
  if (plan.form === 'pages') {
    const subject = {
      device: '{product}',
      software: '{product}',
      place: 'service in {town}',
      plan: '{plan} tariff',
    }[plan.scope];
    return fillTemplate(
      `[The complete guide to the|Everything about the|Handbook of the] ${subject}`,
      slots,
      random,
    );
  }
  const { question, slots: known } = factOf(seed, block, plan.main);
  return random.chance(0.45) ? question : fillTemplate(random.pick(plan.main.titles), known, random);
};

/** Article of a block, at a slot from 0 to 6. Article 1 is the long document, at two pages. */
export const writeArticle = (seed: number, block: number, slot: number): ArticleRow => {
  const id = block * BLOCK_ARTICLES + slot + 1;
  const random = seededRandom(seed, 'article', id);
  const shared = {
    table: 'articles',
    id,
    tenant: tenantOfBlock(block),
    views: random.integer(0, 20_000),
    updatedAt: sampleTime(random),
  } as const;
  if (id === LONG_DOCUMENT_ID) {
    return {
      ...shared,
      title: 'Release notes',
      category: 'updates',
      productId: null,
      body: longDocument(seed, { newest: 2, pages: 2 }),
    };
  }
  const plan = planArticle(seed, block, slot);
  const slots = { ...slotsOfBlock(seed, block), reference: `KB-${id}` };
  const aboutProduct = plan.scope === 'device' || plan.scope === 'software';
  return {
    ...shared,
    title: writeTitle(seed, block, plan, slots, random),
    category: plan.form === 'pages' ? 'guides' : plan.main.category,
    productId: aboutProduct ? block + 1 : null,
    body: writeBody(seed, block, plan, slots, random),
  };
};
