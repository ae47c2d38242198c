/**
 * What a text looks like in 16 bytes: 8 of its hash, equal for equal texts, and 8 of its SimHash (Charikar 2002), which
 * differ in few bits where texts differ in few words. Letters and digits count, case and spacing don't.
 */
import { createHash } from 'node:crypto';
import { FINGERPRINT_BYTES } from '../../schemas/fingerprint.ts';

const WORDS_IN_SHINGLE = 3;

const fnv = (text: string, from: number, to: number, seed: number): number => {
  let hash = seed;
  for (let at = from; at < to; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  return Math.imul(hash, 0xc2b2ae35) ^ (hash >>> 16);
};

const isWordCode = (code: number): boolean =>
  (code >= 48 && code <= 57) || (code >= 97 && code <= 122) || code > 127;

export const fingerprintOf = (text: string): Buffer => {
  const lower = text.toLowerCase();
  const votes = new Int32Array(64);
  const words: { from: number; to: number }[] = [];
  const all: string[] = [];
  const shingle = (): void => {
    const first = words[0];
    const last = words.at(-1);
    if (!first || !last) return;
    for (const [half, seed] of [0x811c9dc5, 0x27220a95].entries()) {
      // Of the words alone, so that what stands between them does not count.
      const hash = words.reduce((mixed, word) => fnv(lower, word.from, word.to, mixed), seed);
      for (let bit = 0; bit < 32; bit += 1)
        votes[half * 32 + bit] = (votes[half * 32 + bit] ?? 0) + ((hash >>> bit) & 1 ? 1 : -1);
    }
  };
  let from = -1;
  let count = 0;
  for (let at = 0; at <= lower.length; at += 1) {
    const inWord = at < lower.length && isWordCode(lower.charCodeAt(at));
    if (inWord && from < 0) from = at;
    if (inWord || from < 0) continue;
    all.push(lower.slice(from, at));
    words.push({ from, to: at });
    from = -1;
    count += 1;
    if (words.length > WORDS_IN_SHINGLE) words.shift();
    if (words.length === WORDS_IN_SHINGLE) shingle();
  }
  if (count < WORDS_IN_SHINGLE) shingle();
  const bytes = Buffer.alloc(FINGERPRINT_BYTES);
  // One call for all: a call for every word costs more than all else here.
  createHash('sha256').update(all.join(' ')).digest().copy(bytes, 0, 0, 8);
  for (let bit = 0; bit < 64; bit += 1) {
    const at = 8 + (bit >> 3);
    if ((votes[bit] ?? 0) > 0) bytes[at] = (bytes[at] ?? 0) | (1 << (bit & 7));
  }
  return bytes;
};
