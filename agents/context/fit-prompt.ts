/**
 * What of a prompt fits into a model's window, by priority. Pure and deterministic: a replay comes to the same text.
 *
 * 1. always: system text, tools, question
 * 2. the latest message, with its tool calls and results whole
 * 3. passages by rank, of equal rank the newest facts first
 * 4. older messages, the newest of them first; what is dropped is one stretch at the beginning, said in one line
 *
 * A tool result never stands without its call, and is never parted from it. With more room no fewer passages are shown.
 */
import type {
  ModelMessage,
  ModelPrompt,
  ModelTool,
} from '../../connectors/models/language/language-model.ts';
import { type Passage, renderPassages } from '../../connectors/models/language/passages.ts';
import { type MessageGroup, messageGroups } from './message-groups.ts';
import { messageTokens, promptTokens, type TokensOf } from './prompt-tokens.ts';

export interface RankedPassage extends Passage {
  /** How well it fits the question, 0 the best; its place in the list where left out. */
  readonly rank?: number;
}

export interface PromptParts {
  readonly system: string;
  /** Fit to stand beside passages (escapeOutsidePassages). */
  readonly question: string;
  /** In the order they are shown in; their numbers stay. */
  readonly passages: readonly RankedPassage[];
  /** Before the question: an earlier conversation. */
  readonly history?: readonly ModelMessage[];
  /** After the question: replies and tool results. */
  readonly messages: readonly ModelMessage[];
  readonly tools: readonly ModelTool[];
}

export interface PromptBudget {
  /** Of the model: prompt and answer together. */
  readonly contextTokens: number;
  readonly maxOutputTokens: number;
}

export interface FittedPrompt {
  readonly prompt: ModelPrompt;
  /** By the measure given; the answer's are not in it. */
  readonly tokens: number;
  /** False: not even the first priority fits, and `prompt` holds that alone. A model with a larger window may do. */
  readonly fits: boolean;
  /**
   * False: the latest message with its results is over what is left, so neither it nor anything after it is shown. The
   * model would ask for the same again: another model, or an end, is better.
   */
  readonly latestShown: boolean;
  /** Numbers of the passages beside the question. */
  readonly shownPassages: readonly number[];
  readonly droppedMessages: number;
}

/** Said in the question's message where older ones are missing. */
export const droppedLine = (messages: number): string =>
  `(${messages} earlier message${messages === 1 ? ' was' : 's were'} left out: there was no room.)`;

/** @param tokensOf the same for `promptTokens` of the result; likelyTokens, or a model's own */
export const fitPrompt = (parts: PromptParts, budget: PromptBudget, tokensOf: TokensOf): FittedPrompt => {
  const room = budget.contextTokens - budget.maxOutputTokens;
  const before = messageGroups(parts.history ?? []);
  const after = messageGroups(parts.messages);
  const latest = after.slice(-1);
  const older = [...before, ...after.slice(0, -1)];
  const best = byRank(parts.passages);

  const show = (chosen: Chosen): FittedPrompt => {
    const { passages, from, withLatest, withNote } = chosen;
    const dropped = countOf(older.slice(0, from)) + (withLatest ? 0 : countOf(latest));
    const beside = parts.passages.filter((passage) => passages.has(passage));
    const blocks = [
      parts.question,
      renderPassages(beside),
      withNote && dropped > 0 ? droppedLine(dropped) : '',
    ].filter((block, index) => index === 0 || block !== '');
    const messages: readonly ModelMessage[] = [
      ...before.slice(from).flat(),
      { role: 'user', content: blocks.join('\n\n') },
      ...older.slice(Math.max(from, before.length)).flat(),
      ...(withLatest ? latest.flat() : []),
    ];
    const { system, tools } = parts;
    const { maxOutputTokens } = budget;
    const prompt = { system, messages, ...(tools.length > 0 ? { tools } : {}), maxOutputTokens };
    const tokens = promptTokens(prompt, tokensOf);
    return {
      prompt,
      tokens,
      fits: tokens <= room,
      latestShown: withLatest,
      shownPassages: beside.map(({ number }) => number),
      droppedMessages: dropped,
    };
  };

  const everything = show({ passages: new Set(best), from: 0, withLatest: true, withNote: false });
  if (everything.fits) return everything;

  const least = { passages: new Set<Passage>(), from: older.length, withLatest: true, withNote: true };
  if (!show(least).fits) {
    const withoutLatest = show({ ...least, withLatest: latest.length === 0 });
    if (withoutLatest.fits) return withoutLatest;
    return show({ ...least, withLatest: latest.length === 0, withNote: false });
  }

  // More passages are more text, so the number that fits is found by halves.
  let fitting = 0;
  let tooMany = best.length + 1;
  while (tooMany - fitting > 1) {
    const half = Math.floor((fitting + tooMany) / 2);
    if (show({ ...least, passages: new Set(best.slice(0, half)) }).fits) fitting = half;
    else tooMany = half;
  }
  const passages = new Set(best.slice(0, fitting));

  let { tokens } = show({ ...least, passages });
  let from = older.length;
  while (from > 0) {
    const group = older[from - 1] ?? [];
    tokens += group.reduce((sum, message) => sum + messageTokens(message, tokensOf), 0);
    if (tokens > room) break;
    from -= 1;
  }
  return show({ ...least, passages, from });
};

interface Chosen {
  readonly passages: ReadonlySet<Passage>;
  /** The first of the older groups that is kept. */
  readonly from: number;
  readonly withLatest: boolean;
  readonly withNote: boolean;
}

const countOf = (groups: readonly MessageGroup[]): number =>
  groups.reduce((sum, group) => sum + group.length, 0);

/** Best first. An unknown age counts as the oldest. */
const byRank = (passages: readonly RankedPassage[]): readonly RankedPassage[] =>
  passages
    .map((passage, place) => ({ passage, rank: passage.rank ?? place, age: passage.ageMs ?? Infinity }))
    .sort((a, b) => a.rank - b.rank || (a.age < b.age ? -1 : a.age > b.age ? 1 : 0))
    .map(({ passage }) => passage);
