import { productTopics } from './article-plan.ts';
import { factOf } from './facts.ts';
import type { Family } from './families.ts';
import { fillTemplate } from './fill-template.ts';
import type { ProductRow } from './sample-rows.ts';
import { sampleTime } from './sample-time.ts';
import { seededRandom } from './seeded-random.ts';
import { productOfBlock, slotsOfBlock, tenantOfBlock } from './subjects.ts';
import type { Topic } from './topic.ts';

const openings = [
  'The {product} {purpose}.',
  'New from {company} in [its tenth year|this season|answer to your requests]: the {product}, which {purpose}.',
  'Meet the {product}, which {purpose}.',
  'The {product} is [a favourite of|often chosen by|made for] [families|people who rent|tinkerers|installers] and {purpose}.',
];

const remarks = {
  device: [
    '[Customers|Testers] praise how [easy|quick] it is to set up.',
    'The right place for it: {spot}.',
    'Comes with everything that is needed for [an ordinary|a normal] home.',
    'Made in small series by people who use it themselves.',
    'Fits all {company} products since [2016|2018|2019].',
    'Designed to be repaired: [every part can be bought|no glue, only screws].',
    'Available in [white and slate|sand and graphite|white only].',
  ],
  software: [
    '[Customers|Testers] praise how [easy|quick] it is to learn.',
    'Runs on {spot}.',
    'Speaks to all {company} products since [2016|2018|2019].',
    'Billed [by the month|monthly], and a year costs ten months.',
    'Made by people who use it themselves.',
    'Its interface is open, and so is the list of [known faults|what comes next].',
  ],
} as const satisfies Record<Family['nature'], readonly string[]>;

/** The topics that a product's summary answers besides its articles. */
export const summaryTopics = (seed: number, block: number): readonly Topic[] =>
  productTopics(seed, block).slice(0, seededRandom(seed, 'summary', block).integer(0, 4));

/** The product of a block. Its summary is from one line to a paragraph. */
export const writeProduct = (seed: number, block: number): ProductRow => {
  const random = seededRandom(seed, 'product-row', block);
  const slots = slotsOfBlock(seed, block);
  const { name, family } = productOfBlock(seed, block);
  const [lowest, highest] = family.price;
  const answers = summaryTopics(seed, block).map((topic) => factOf(seed, block, topic).answer);
  const chosen = random.shuffle<string>(remarks[family.nature]).slice(0, random.integer(0, 3));
  const sentences = [random.pick(openings), ...chosen].map((template) =>
    fillTemplate(template, slots, random),
  );
  return {
    table: 'products',
    id: block + 1,
    tenant: tenantOfBlock(block),
    name,
    summary: [...sentences, ...answers].join(' '),
    price: `${random.integer(lowest, highest)}.${random.pick(['00', '50', '90', '95', '99'])}`,
    updatedAt: sampleTime(random),
  };
};
