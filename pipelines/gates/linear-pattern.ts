/**
 * Regular expressions over text of strangers: RE2's automaton reads every character once, so none of them can blow up. A
 * pattern names words one of which it cannot match without; where none of those occurs, it isn't run at all.
 */
import { RE2JS } from 're2js';

export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface LinearPattern {
  /** Words one of which it cannot match without. */
  readonly anchors: readonly string[];
  /** Whether it matches somewhere: a quarter of what finding costs. `lower` as below. */
  matches(text: string, lower: string, steps: (characters: number) => void): boolean;
  /** Spans in order, at most `most`; group 1 where the pattern has one. `lower` is the text in lower case, of the same length. */
  find(text: string, lower: string, most: number, steps: (characters: number) => void): readonly Span[];
}

/** Lower case, code unit by code unit: `İ` alone becomes two with toLowerCase, and spans would shift. */
export const lowerCase = (text: string): string => {
  const lower = text.toLowerCase();
  if (lower.length === text.length) return lower;
  return Array.from({ length: text.length }, (_, at) => {
    const one = (text[at] ?? '').toLowerCase();
    return one.length === 1 ? one : (text[at] ?? '');
  }).join('');
};

/** Whether one of some words occurs: an alternation of plain words never looks back, and is four times as quick as asking for each. */
const oneOf = (words: readonly string[]): ((text: string) => boolean) => {
  const any = new RegExp(words.map((word) => word.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')).join('|'));
  return (text) => any.test(text);
};

/** False for a text, in lower case, that none of these patterns can match: most are, and cost one look instead of one each. */
export const mayMatchAny = (patterns: readonly LinearPattern[]): ((lower: string) => boolean) =>
  oneOf(patterns.flatMap(({ anchors }) => anchors.map((anchor) => anchor.toLowerCase())));

export const linearPattern = (pattern: string, anchors: readonly string[]): LinearPattern => {
  const folded = anchors.every((anchor) => anchor === anchor.toLowerCase());
  const compiled = folded ? RE2JS.compile(pattern, RE2JS.CASE_INSENSITIVE) : RE2JS.compile(pattern);
  const mayMatch = oneOf(anchors);
  const matches: LinearPattern['matches'] = (text, lower, steps) => {
    steps(text.length * anchors.length);
    // Without spans the automaton is several times as fast.
    return mayMatch(folded ? lower : text) && compiled.test(text);
  };
  return {
    ...{ anchors, matches },
    find: (text, lower, most, steps) => {
      if (!matches(text, lower, steps)) return [];
      const matcher = compiled.matcher(text);
      const spans: Span[] = [];
      let from = 0;
      while (spans.length < most && matcher.find()) {
        const group = matcher.groupCount() > 0 && matcher.start(1) >= 0 ? 1 : 0;
        spans.push({ start: matcher.start(group), end: matcher.end(group) });
        steps(matcher.end(0) - from);
        from = matcher.end(0);
      }
      steps(text.length - from);
      return spans;
    },
  };
};
