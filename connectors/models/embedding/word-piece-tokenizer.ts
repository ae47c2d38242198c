import { Tokenizer } from '@huggingface/tokenizers';
import { LRUCache } from 'lru-cache';
import { FreshetError } from '../../../schemas/errors.ts';
import type { TokenSpan } from './embedding-model.ts';
import { wordSpans, wordsOf } from './word-spans.ts';

/** Words kept with their token ids. English text repeats itself: about ten times as fast as without. */
const CACHED_WORDS = 20_000;
/** A longer word is one unknown token anyway and would only fill the cache. */
const LONGEST_CACHED_WORD = 100;

export type WordPieceTokenizer = {
  /** Token ids of the text between the model's start and end tokens, cut so that at most `limit` ids come out in all. */
  readonly encode: (text: string, limit: number) => Int32Array;
  readonly countTokens: (text: string) => number;
  readonly tokenSpans: (text: string) => readonly TokenSpan[];
};

/**
 * A BERT tokenizer of a `tokenizer.json`, word by word with a cache. The file's own truncation and padding are
 * ignored; the caller gives the limit.
 * @throws FreshetError `model-failed` when the file is not a BERT tokenizer.
 */
export const createWordPieceTokenizer = (tokenizerJson: string): WordPieceTokenizer => {
  const tokenizer = loadTokenizer(tokenizerJson);
  const startId = tokenizer.token_to_id('[CLS]');
  const endId = tokenizer.token_to_id('[SEP]');
  if (startId === undefined || endId === undefined) {
    throw new FreshetError(
      'model-failed',
      'tokenizer.json has no [CLS] and [SEP]: it is not of a BERT model.',
    );
  }
  const idsOfWord = new LRUCache<string, readonly number[]>({ max: CACHED_WORDS });

  const encodeWord = (word: string): readonly number[] => {
    const known = idsOfWord.get(word);
    if (known !== undefined) return known;
    const { ids } = tokenizer.encode(word, { add_special_tokens: false });
    if (word.length <= LONGEST_CACHED_WORD) idsOfWord.set(word, ids);
    return ids;
  };

  return {
    encode: (text, limit) => {
      const ids: number[] = [startId];
      for (const { word } of wordSpans(text)) {
        ids.push(...encodeWord(word));
        if (ids.length >= limit) break;
      }
      return Int32Array.from([...ids.slice(0, limit - 1), endId]);
    },
    countTokens: (text) => {
      let tokens = 0;
      for (const word of wordsOf(text)) tokens += encodeWord(word).length;
      return tokens;
    },
    tokenSpans: (text) =>
      Array.from(wordSpans(text), ({ word, start }) => ({
        start,
        end: start + word.length,
        tokens: encodeWord(word).length,
      })),
  };
};

const loadTokenizer = (tokenizerJson: string): Tokenizer => {
  try {
    return new Tokenizer(JSON.parse(tokenizerJson), {});
  } catch (cause) {
    throw new FreshetError(
      'model-failed',
      'tokenizer.json is damaged. Delete the model folder and install again.',
      {
        cause,
      },
    );
  }
};
