/**
 * Token counts of a model whose tokenizer is not here: estimates for cutting chunks and requests, and a bound for money.
 * Pure.
 */
import type { TokenSpan } from '../embedding-model.ts';
import { wordSpans } from '../word-spans.ts';

/** Sub-word vocabularies of today hold most words of up to six letters whole, and longer ones in pieces of about that. */
const BYTES_PER_TOKEN = 6;

const tokensOfWord = (word: string): number =>
  Math.max(1, Math.ceil(Buffer.byteLength(word) / BYTES_PER_TOKEN));

export const estimateSpans = (text: string): readonly TokenSpan[] =>
  Array.from(wordSpans(text), ({ word, start }) => ({
    start,
    end: start + word.length,
    tokens: tokensOfWord(word),
  }));

export const estimateTokens = (text: string): number => {
  let tokens = 0;
  for (const { word } of wordSpans(text)) tokens += tokensOfWord(word);
  return tokens;
};

/** The text up to its last span that fits. */
export const cutToTokens = (text: string, maxTokens: number): string => {
  let tokens = 0;
  for (const { word, start } of wordSpans(text)) {
    tokens += tokensOfWord(word);
    if (tokens > maxTokens) return text.slice(0, start);
  }
  return text;
};

/** Never below what a provider can count: no token is shorter than a byte, and each text may get a few around it. */
export const tokenBound = (texts: readonly string[]): number =>
  texts.reduce((sum, text) => sum + Buffer.byteLength(text) + 8, 0);
