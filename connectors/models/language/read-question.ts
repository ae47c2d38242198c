import { contentStems } from './content-stems.ts';

/** What an English question asks, as far as its surface tells. All lists hold stems, each once. */
export type Question = {
  readonly stems: readonly string[];
  /** "What is the <return window> of …": what is asked, as against what about. */
  readonly focus: readonly string[];
  /** Names of letters and digits such as `X200`: an answer that does not stand with one of them is about another thing. */
  readonly codes: readonly string[];
  /** Words capitalised inside a sentence: most likely what it is about. */
  readonly properNames: readonly string[];
  /** A number, an amount or a time is asked for. */
  readonly quantity: boolean;
};

const FOCUS = /\bwh(?:at|ich)(?:['’]s| is| are| was| were) (.+?) (?:of|for|in|on|at|with|to|when|if)\b/i;
const CAPITALISED = /(?<=[\p{L}\p{N},] )\p{Lu}[\p{L}\p{N}]+/gu;
const QUANTITY_ASKED =
  /\b(?:how (?:many|much|long|often|old|far|fast|big|large|loud|high|deep|heavy|soon|late|early)|when|what (?:time|date|day|year|month|percentage)|(?:window|price|cost|limit|fee|deadline|phone|number|version|release|period|warranty|interval|rate|range|height|length|weight|size|temperature|speed|capacity|distance|duration)s?)\b/i;
/** A number that is no part of a name, a number in words, a weekday or a month. */
const QUANTITY_HELD =
  /(?<![\p{L}\p{N}-])\p{N}|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fourteen|fifteen|twenty|thirty|forty|fifty|sixty|ninety|hundred|thousand|mon|tues|wednes|thurs|fri|satur|sun|january|february|march|april|may|june|july|august|september|october|november|december)(?:days?)?\b/iu;

export const readQuestion = (text: string): Question => {
  const stems = unique(contentStems(text));
  return {
    stems,
    focus: unique(contentStems(FOCUS.exec(text)?.[1] ?? '')),
    codes: stems.filter(isCode),
    properNames: unique(contentStems((text.match(CAPITALISED) ?? []).join(' '))),
    quantity: QUANTITY_ASKED.test(text),
  };
};

/** Whether a sentence names a number, an amount or a time. */
export const holdsQuantity = (sentence: string): boolean => QUANTITY_HELD.test(sentence);

/** Whether a word is a name of letters and digits, such as `X200` or `v2.1`. */
export const isCode = (word: string): boolean => /\p{L}/u.test(word) && /\p{N}/u.test(word);

const unique = (stems: readonly string[]): readonly string[] => [...new Set(stems)];
