/** Payloads of late, by their hash: what was written a moment ago, or read for one purpose, is not read again for another. */
import { LRUCache } from 'lru-cache';

export interface PayloadCache {
  find(hash: string): string | undefined;
  keep(hash: string, text: string): void;
}

const MAX_CHARACTERS = 64 * 1024 * 1024;

export const createPayloadCache = (maxCharacters = MAX_CHARACTERS): PayloadCache => {
  const texts = new LRUCache<string, string>({
    maxSize: maxCharacters,
    sizeCalculation: (text) => text.length + 1,
  });
  return {
    find: (hash) => texts.get(hash),
    keep: (hash, text) => void texts.set(hash, text),
  };
};
