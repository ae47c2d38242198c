import { FAMILIES, type Family } from './families.ts';
import type { Slots } from './fill-template.ts';
import { at, permutation, seededRandom } from './seeded-random.ts';
import {
  PLAN_NOUNS,
  PLAN_QUALITIES,
  STREETS,
  TOWN_BEGINNINGS,
  TOWN_ENDINGS,
  TOWN_QUALIFIERS,
} from './words/place-words.ts';
import { SERIES_WORDS } from './words/series-words.ts';

/** The two tenants: brands of one company, each with a help centre of its own. */
export const SAMPLE_TENANTS = ['tarnwell', 'osterby'] as const;
export type SampleTenant = (typeof SAMPLE_TENANTS)[number];

/** Three blocks in five are the first tenant's. */
export const tenantOfBlock = (block: number): SampleTenant => (block % 5 < 3 ? 'tarnwell' : 'osterby');

const brands = {
  tarnwell: { company: 'Tarnwell', app: 'Tarnwell Home app', domain: 'tarnwell.example' },
  osterby: { company: 'Osterby', app: 'Osterby Connect app', domain: 'osterby.example' },
} as const satisfies Record<SampleTenant, Slots>;

const splitIndex = (seed: number, label: string, size: number, block: number): readonly [number, number] => [
  permutation(seed, label, size)(block % size),
  Math.floor(block / size),
];

/** Remembers the last block asked for: the ten rows of a block are made one after another, from the same words. */
const rememberLast = <T>(make: (seed: number, block: number) => T): ((seed: number, block: number) => T) => {
  let last: { readonly seed: number; readonly block: number; readonly made: T } | undefined;
  return (seed, block) => {
    if (last?.seed !== seed || last.block !== block) last = { seed, block, made: make(seed, block) };
    return last.made;
  };
};

export type Product = { readonly name: string; readonly model: string; readonly family: Family };

/** The product of a block. No two blocks share a name: the number tells apart what family and series do not. */
export const productOfBlock = rememberLast((seed, block): Product => {
  const [index, round] = splitIndex(seed, 'product', FAMILIES.length * SERIES_WORDS.length, block);
  const family = at(FAMILIES, index % FAMILIES.length);
  const series = at(SERIES_WORDS, Math.floor(index / FAMILIES.length));
  const number = (round + 1) * 100 + seededRandom(seed, 'model', block).integer(0, 9) * 10;
  const model = `${family.letter}${number}`;
  const kind = family.kind.replaceAll(/\b[a-z]/g, (letter) => letter.toUpperCase());
  return { name: `${series} ${kind} ${model}`, model, family };
});

const townOfBlock = (seed: number, block: number): string => {
  const size = TOWN_BEGINNINGS.length * TOWN_ENDINGS.length;
  const [index, round] = splitIndex(seed, 'town', size, block);
  const name = `${at(TOWN_BEGINNINGS, index % TOWN_BEGINNINGS.length)}${at(TOWN_ENDINGS, Math.floor(index / TOWN_BEGINNINGS.length))}`;
  const district = Math.floor(round / TOWN_QUALIFIERS.length);
  const qualified = `${at(TOWN_QUALIFIERS, round % TOWN_QUALIFIERS.length)}${name}`;
  return district === 0 ? qualified : `${qualified} District ${district + 1}`;
};

const planOfBlock = (seed: number, block: number): string => {
  const [index, round] = splitIndex(seed, 'plan', PLAN_QUALITIES.length * PLAN_NOUNS.length, block);
  const name = `${at(PLAN_QUALITIES, index % PLAN_QUALITIES.length)} ${at(PLAN_NOUNS, Math.floor(index / PLAN_QUALITIES.length))}`;
  return `${name} ${12 + round}`;
};

/** The words that any template about a block may use. */
export const slotsOfBlock = rememberLast((seed, block): Slots => {
  const { name, model, family } = productOfBlock(seed, block);
  const random = seededRandom(seed, 'slots', block);
  const { kind, purpose, button, light, spot } = family;
  return {
    ...brands[tenantOfBlock(block)],
    ...{ product: name, model, kind, purpose, button, light, spot },
    town: townOfBlock(seed, block),
    street: `${random.integer(1, 98)} ${random.pick(STREETS)}`,
    plan: planOfBlock(seed, block),
  };
});
