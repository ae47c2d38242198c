import type { Passage } from './passages.ts';
import { splitSentences } from './split-sentences.ts';
import { stemWord } from './stem-word.ts';

export type RankedSentence = {
  readonly passage: Passage;
  readonly text: string;
  readonly score: number;
  /** Share of the question's weight that the sentence and what it stands under cover, 0 to 1. */
  readonly coverage: number;
};

const STOP_WORDS = new Set(
  `a about am an answer and any are as at be been being but by can could did do does doing for from get had has have how i if in
  into is it its just me my of on or our out please question shall should so some tell than that the their them then there these
  they this those to up us was we were what when where which who whom whose why will with would you your`.split(
    /\s+/,
  ),
);
/** BM25's usual parameters (Robertson and Zaragoza 2009, The Probabilistic Relevance Framework). */
const K1 = 1.2;
const B = 0.4;
/** What a word in the title or heading counts, against one in the sentence itself. */
const CONTEXT_WEIGHT = 0.6;
/** A quantity is asked for, and the sentence has one. */
const QUANTITY =
  /\b(?:how (?:many|much|long|often|old|far|fast|big|large)|when|what (?:time|date|year|price|number|percentage)|window|price|cost|limit|fee|deadline|phone|version|period|warranty)\b/i;
const QUANTITY_BONUS = 0.25;
const NUMBER_WORD =
  /\p{N}|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|fourteen|fifteen|twenty|thirty|sixty|ninety|hundred)\b/iu;

type Candidate = {
  readonly passage: Passage;
  readonly rank: number;
  readonly text: string;
  readonly own: readonly string[];
  readonly context: ReadonlySet<string>;
};

/**
 * Sentences of the passages by how well they answer a question, best first: BM25 over sentences, with words of title
 * and heading at a lower weight, times the share of the question covered, with a little weight for the passage's own
 * place. A question that names something ("X200") is answered only from what stands with that name. Sentences without a
 * word of the question are left out, unless their title and heading have all of it. Deterministic.
 */
export const rankSentences = (question: string, passages: readonly Passage[]): readonly RankedSentence[] => {
  const asked = [...new Set(contentStems(question))];
  if (asked.length === 0) return [];
  const candidates = passages.flatMap(toCandidates);
  const weightOf = inverseFrequency(asked, candidates);
  const total = asked.reduce((sum, stem) => sum + weightOf(stem), 0);
  const averageLength =
    candidates.reduce((sum, { own }) => sum + own.length, 0) / Math.max(1, candidates.length);
  const names = asked.filter(isName);
  const wantsQuantity = QUANTITY.test(question);

  return candidates
    .flatMap((candidate) => {
      const stands = (stem: string) => candidate.own.includes(stem) || candidate.context.has(stem);
      if (names.length > 0 && !names.some(stands)) return [];
      let matched = 0;
      let covered = 0;
      let inSentence = 0;
      for (const stem of asked) {
        const frequency = candidate.own.filter((own) => own === stem).length;
        const inContext = candidate.context.has(stem) ? CONTEXT_WEIGHT : 0;
        const effective = Math.max(frequency, inContext);
        const lengthNorm = K1 * (1 - B + (B * candidate.own.length) / averageLength);
        matched += (weightOf(stem) * effective * (K1 + 1)) / (effective + lengthNorm);
        covered += effective > 0 ? weightOf(stem) : 0;
        inSentence += frequency;
      }
      if (inSentence === 0 && covered < total) return [];
      const coverage = covered / total;
      const quantity = wantsQuantity && NUMBER_WORD.test(candidate.text) ? 1 + QUANTITY_BONUS : 1;
      const score = (matched * coverage * quantity) / (1 + 0.05 * candidate.rank);
      return [{ passage: candidate.passage, text: candidate.text, score, coverage }];
    })
    .sort((a, b) => b.score - a.score);
};

/** Stems of the words of a text that carry meaning. Marks inside a word ("X-200", "v2.1") are kept, possessives cut. */
export const contentStems = (text: string): readonly string[] =>
  (text.toLowerCase().match(/[\p{L}\p{N}]+(?:[-.'’_][\p{L}\p{N}]+)*/gu) ?? [])
    .map((word) => word.replace(/(?:n['’]t|['’](?:s|m|d|re|ve|ll))$/, ''))
    .filter((word) => !STOP_WORDS.has(word))
    .map(stemWord);

/** A name such as `X200` or `v2.1`: letters and digits in one word. */
const isName = (stem: string): boolean => /\p{L}/u.test(stem) && /\p{N}/u.test(stem);

/** Names stand for a whole passage: "The X200 is a router. Its return window is 30 days." */
const toCandidates = (passage: Passage, rank: number): readonly Candidate[] => {
  const names = contentStems(passage.text).filter(isName);
  return splitSentences(passage.text).map(({ text, heading }) => ({
    passage,
    rank,
    text,
    own: contentStems(text),
    context: new Set([...contentStems(`${passage.title} ${heading}`), ...names]),
  }));
};

/**
 * BM25's inverse document frequency, where a document is a sentence with its title and heading. Always above 0; a word
 * that stands nowhere weighs 1, as chat ("hi, I was wondering") must not outweigh what was asked.
 */
const inverseFrequency = (asked: readonly string[], candidates: readonly Candidate[]) => {
  const weights = new Map(
    asked.map((stem) => {
      const holding = candidates.filter(({ own, context }) => own.includes(stem) || context.has(stem)).length;
      if (holding === 0) return [stem, 1] as const;
      return [stem, Math.log(1 + (candidates.length - holding + 0.5) / (holding + 0.5))] as const;
    }),
  );
  return (stem: string): number => weights.get(stem) ?? 0;
};
