/**
 * What a model is told of what came of a call: data from outside, in a frame that says where it came from. All of a result that stands
 * in its journal event, the beginning of a larger one and how long it is: a model that saw none of it would ask for the same again; one
 * that saw all of it would have no window left. What a search found is told as passages. Pure.
 */
import { type Passage, renderPassages } from '../../connectors/models/language/passages.ts';
import { renderToolResult } from '../../connectors/models/language/render-tool-result.ts';
import { cutText } from '../../schemas/cut-text.ts';
import { DELEGATED } from '../../schemas/execution-costs.ts';
import { isLarge } from '../../schemas/payload-parts.ts';
import type { AgentEvent } from '../../schemas/records.ts';

/** About 13,000 tokens. */
export const TOLD_CHARACTERS = 32 * 1024;

/** What a search found, and how many characters of it are told once it is large. */
export interface Found {
  readonly passages: readonly Passage[];
  readonly most: number;
}

/** @param output what the event holds; `found`: of a search, null for any other output */
export const toldResult = (
  tool: string,
  { error, note, via, priceTable }: Pick<AgentEvent, 'error' | 'note' | 'via' | 'priceTable'>,
  output: unknown,
  found: Found | null,
): string => {
  const from = priceTable === DELEGATED ? 'subtask' : (via ?? 'tool');
  const head = { tool, from, note, error: error?.code ?? null };
  if (found !== null && !error) {
    const { passages, cut } = passagesOf(found);
    // Why it is not the tool's own answer of now may be in another's words.
    return note === null && cut === null
      ? passages
      : `${renderToolResult({ ...head, text: null, cut })}\n${passages}`;
  }
  return renderToolResult({ ...head, ...cutOf(error ? error.message : JSON.stringify(output)) });
};

const passagesOf = ({ passages, most }: Found) => {
  const whole = renderPassages(passages) || 'Nothing was found.';
  if (most === Number.POSITIVE_INFINITY || !isLarge(whole)) return { passages: whole, cut: null };
  const shown = upTo(most, passages);
  return { passages: renderPassages(shown), cut: { shown: charactersOf(shown), of: charactersOf(passages) } };
};

const charactersOf = (passages: readonly Passage[]): number =>
  passages.reduce((sum, { text }) => sum + text.length, 0);

/** The first of them that fit, and of the next as much as fits. */
const upTo = (most: number, passages: readonly Passage[]): readonly Passage[] => {
  let left = most;
  return passages.flatMap((passage) => {
    left -= JSON.stringify({ ...passage, text: '' }).length;
    if (left <= 0) return [];
    const text = cutText(passage.text, left);
    left -= passage.text.length;
    return [{ ...passage, text }];
  });
};

const cutOf = (text: string) => {
  if (!isLarge(text) || text.length <= TOLD_CHARACTERS) return { text, cut: null };
  const shown = cutText(text, TOLD_CHARACTERS);
  return { text: shown, cut: { shown: shown.length, of: text.length } };
};
