/** Beyond any window and any answer, with prices far above any, and within what the journal's int holds. */
const MOST_TOKENS = 1_000_000_000;

/** A provider may report any number, as a fraction or one below zero; no money can be counted by it. */
export const isCount = (tokens: number | null | undefined): tokens is number =>
  Number.isInteger(tokens) && Number(tokens) >= 0 && Number(tokens) <= MOST_TOKENS;

/** No input has no tokens: where none are told, nothing is told. The library makes 0 of a count that is missing. */
export const isInputCount = (tokens: number | null | undefined): tokens is number =>
  isCount(tokens) && tokens > 0;
