/**
 * What a model is told of a tool's result: all of one that stands in its journal event, the beginning of a larger one, and how long
 * it is. A model that saw none of it would ask for the same again; one that saw all of it would have no window left. Pure.
 */
import { isLarge } from '../../schemas/payload-parts.ts';

/** About 13,000 tokens. */
export const TOLD_CHARACTERS = 32 * 1024;

export const toldResult = (text: string): string => {
  if (!isLarge(text) || text.length <= TOLD_CHARACTERS) return text;
  // Half of a surrogate pair is no character.
  const end = /[\uD800-\uDBFF]/.test(text[TOLD_CHARACTERS - 1] ?? '') ? TOLD_CHARACTERS - 1 : TOLD_CHARACTERS;
  return `${text.slice(0, end)}…\n(Cut: the first ${end} of ${text.length} characters. Ask for less at a time to see the rest.)`;
};
