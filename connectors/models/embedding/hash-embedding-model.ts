import type { EmbeddingModel } from './embedding-model.ts';
import { wordSpans, wordsOf } from './word-spans.ts';

const DIMENSIONS = 384;

/**
 * The instant embedder of benches: signed feature hashing of words and word pairs, unit length. Finds equal words, not
 * equal meaning. A text without a word or sign gives the zero vector.
 * Source: Weinberger et al. 2009, Feature Hashing for Large Scale Multitask Learning; hash FNV-1a, 32 bits.
 */
export const createHashEmbeddingModel = (): EmbeddingModel => ({
  id: 'feature-hash-384',
  dimensions: DIMENSIONS,
  maxTokens: 254,
  embed: async (texts) => texts.map(embedText),
  countTokens: (text) => wordsOf(text).length,
  tokenSpans: (text) =>
    Array.from(wordSpans(text), ({ word, start }) => ({ start, end: start + word.length, tokens: 1 })),
  close: async () => {},
});

const embedText = (text: string): Float32Array => {
  const vector = new Float32Array(DIMENSIONS);
  /** Of the word before and a space: a pair's hash goes on from there. */
  let before: number | undefined;
  for (const word of wordsOf(text)) {
    const feature = word.toLowerCase();
    const hash = hashOf(feature);
    addFeature(vector, hash);
    if (before !== undefined) addFeature(vector, hashOf(feature, before));
    before = hashOf(' ', hash);
  }
  let squares = 0;
  for (const component of vector) squares += component * component;
  if (squares > 0) {
    const norm = Math.sqrt(squares);
    for (let axis = 0; axis < DIMENSIONS; axis += 1) vector[axis] = (vector[axis] ?? 0) / norm;
  }
  return vector;
};

const hashOf = (text: string, from = 0x811c9dc5): number => {
  let hash = from;
  for (let place = 0; place < text.length; place += 1)
    hash = Math.imul(hash ^ text.charCodeAt(place), 0x01000193);
  return hash;
};

const addFeature = (vector: Float32Array, hash: number): void => {
  const axis = (hash >>> 1) % DIMENSIONS;
  vector[axis] = (vector[axis] ?? 0) + ((hash & 1) === 0 ? 1 : -1);
};
