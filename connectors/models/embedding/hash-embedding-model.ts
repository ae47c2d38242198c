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
  let previous = '';
  for (const word of wordsOf(text)) {
    const feature = word.toLowerCase();
    addFeature(vector, feature);
    if (previous !== '') addFeature(vector, `${previous} ${feature}`);
    previous = feature;
  }
  let squares = 0;
  for (const component of vector) squares += component * component;
  if (squares > 0) {
    const norm = Math.sqrt(squares);
    for (let axis = 0; axis < DIMENSIONS; axis += 1) vector[axis] = (vector[axis] ?? 0) / norm;
  }
  return vector;
};

const addFeature = (vector: Float32Array, feature: string): void => {
  let hash = 0x811c9dc5;
  for (let place = 0; place < feature.length; place += 1) {
    hash = Math.imul(hash ^ feature.charCodeAt(place), 0x01000193);
  }
  const axis = (hash >>> 1) % DIMENSIONS;
  vector[axis] = (vector[axis] ?? 0) + ((hash & 1) === 0 ? 1 : -1);
};
