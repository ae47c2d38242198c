import type { LanguageModel, ModelPrompt, ModelReply, TokenUsage } from './language-model.ts';
import { ModelError } from './model-error.ts';
import { type Passage, parsePassages, textOutsidePassages } from './passages.ts';
import { type RankedSentence, rankSentences } from './rank-sentences.ts';

/** Stands before every answer, so that nobody takes a quotation for a model's words. */
export const EXTRACTIVE_PREFIX = 'Quoted without a language model:';
export const EXTRACTIVE_NOTHING =
  'Nothing in the retrieved passages answers this (searched without a language model).';

/** It has no window; a bound keeps a prompt within what is worth ranking. */
const EXTRACTIVE_CONTEXT_TOKENS = 1_000_000;

const MAX_SENTENCES = 3;
/** A further sentence is quoted only if it answers half as well as the best. */
const FURTHER_SCORE = 0.5;
/** Below this share of the question's words a match is chance. */
const MIN_COVERAGE = 0.4;

/**
 * The model without a key: quotes the one to three sentences of the passages in the messages that answer the last
 * question best, with citations, and says so on every answer. Deterministic, free, calls nothing and no tool.
 * Tokens are words. An answer over `maxOutputTokens` is cut, with finish reason `length`.
 */
export const createExtractiveModel = (): LanguageModel => ({
  id: 'extractive',
  price: { inputPerMillionUsd: '0', outputPerMillionUsd: '0' },
  contextTokens: EXTRACTIVE_CONTEXT_TOKENS,
  estimate: (prompt) => ({ inputTokens: countPromptWords(prompt), outputTokens: prompt.maxOutputTokens }),
  generate: async (request) => {
    if (request.signal?.aborted) throw cancelled();
    const reply = answerPrompt(request);
    for (const text of inChunks(reply.text)) {
      if (request.signal?.aborted) throw cancelled();
      request.onChunk?.({ type: 'text', text });
    }
    return reply;
  },
});

const cancelled = () =>
  new ModelError('The model call was cancelled.', {
    reason: 'cancelled',
    retryable: false,
    retryAfterMs: null,
    mayHaveCost: false,
  });

const answerPrompt = (prompt: ModelPrompt): ModelReply => {
  const chosen = chooseSentences(rankSentences(lastQuestion(prompt), freshPassages(prompt)));
  const quotes = chosen.map(({ text, passage }) => `“${text}” [${passage.number}]${marksOf(passage)}`);
  const whole = quotes.length === 0 ? EXTRACTIVE_NOTHING : `${EXTRACTIVE_PREFIX} ${quotes.join(' ')}`;
  const words = whole.split(' ');
  const text = words.slice(0, prompt.maxOutputTokens).join(' ');
  const usage: TokenUsage = {
    inputTokens: countPromptWords(prompt),
    outputTokens: countWords(text),
    cachedInputTokens: 0,
    reported: true,
  };
  return {
    text,
    toolCalls: [],
    finishReason: words.length > prompt.maxOutputTokens ? 'length' : 'stop',
    usage,
  };
};

/** What a reader must know of a passage that is quoted. */
const marksOf = ({ stale, flags }: Passage): string => {
  const marks = [
    ...(stale ? ['its row has changed since'] : []),
    ...(flags.length > 0 ? [`flagged: ${flags.join(', ')}`] : []),
  ];
  return marks.length === 0 ? '' : ` (${marks.join('; ')})`;
};

/** The passages of this turn, else the latest before it: an earlier turn's may be out of date. */
const freshPassages = (prompt: ModelPrompt): readonly Passage[] => {
  const answered = prompt.messages.findLastIndex(
    (message) => message.role === 'assistant' && (message.toolCalls ?? []).length === 0,
  );
  const groups = prompt.messages.map((message) =>
    message.role === 'assistant' ? [] : parsePassages(message.content),
  );
  const turn = groups.slice(answered + 1).flat();
  return turn.length > 0 ? turn : (groups.findLast((group) => group.length > 0) ?? []);
};

/** What the user last said beside passages. */
const lastQuestion = (prompt: ModelPrompt): string =>
  prompt.messages
    .filter((message) => message.role === 'user')
    .map((message) => textOutsidePassages(message.content))
    .findLast((text) => text !== '') ?? '';

const chooseSentences = (ranked: readonly RankedSentence[]): readonly RankedSentence[] => {
  const answering = ranked.filter(({ coverage }) => coverage >= MIN_COVERAGE);
  const best = answering[0];
  if (best === undefined) return [];
  const seen = new Set<string>();
  return answering
    .filter(({ score, text }) => {
      if (score < best.score * FURTHER_SCORE || seen.has(text)) return false;
      seen.add(text);
      return true;
    })
    .slice(0, MAX_SENTENCES);
};

const countWords = (text: string): number => text.match(/\S+/g)?.length ?? 0;

const countPromptWords = (prompt: ModelPrompt): number =>
  prompt.messages.reduce((sum, message) => sum + countWords(message.content), countWords(prompt.system));

/** An answer in at most four pieces that join to it. */
const inChunks = (text: string): readonly string[] => {
  const size = Math.ceil(text.length / 4);
  return Array.from({ length: 4 }, (_, piece) => text.slice(piece * size, (piece + 1) * size)).filter(
    (piece) => piece !== '',
  );
};
