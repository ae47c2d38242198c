import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { INLINE_BYTES, isLarge, joinPayload, splitPayload } from '../../schemas/payload-parts.ts';

const JSON_TEXT = fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.stringify(value));
const WHOLE = fc.string({ unit: 'grapheme', maxLength: 400 }).map((value) => JSON.stringify(value));
const TEXT = fc.oneof(JSON_TEXT, WHOLE);
const PART = fc.integer({ min: 1, max: 64 });
const codeOf = (action: () => unknown): string | undefined => {
  try {
    action();
    return undefined;
  } catch (error) {
    return (error as { readonly code?: string }).code;
  }
};

test('what is cut and put together again, its parts in any order, is the same text', () => {
  fc.assert(
    fc.property(TEXT, PART, fc.infiniteStream(fc.nat()), (text, partBytes, picks) => {
      const { hash, bytes, parts } = splitPayload(text, 1_000_000, partBytes);
      expect(hash).toBe(createHash('sha256').update(text).digest('hex'));
      expect(bytes).toBe(Buffer.byteLength(text));
      expect(parts.every((part) => part.length <= partBytes)).toBe(true);
      const rest = parts.map((content, part) => ({ content, part }));
      const found = new Map<number, Buffer>();
      while (rest.length > 0) {
        const [next] = rest.splice((picks.next().value ?? 0) % rest.length, 1);
        if (next) found.set(next.part, next.content);
      }
      expect(joinPayload({ hash, parts: parts.length }, found)).toBe(text);
    }),
  );
});

test('a part that is missing, or differs by a bit, is a payload that is lost: never another text', () => {
  fc.assert(
    fc.property(TEXT, PART, fc.nat(), fc.nat(), (text, partBytes, at, bit) => {
      const { hash, parts } = splitPayload(text, 1_000_000, partBytes);
      const whole = new Map(parts.map((content, part) => [part, Buffer.from(content)]));
      const reference = { hash, parts: parts.length };
      const victim = at % parts.length;
      const without = new Map([...whole].filter(([part]) => part !== victim));
      expect(codeOf(() => joinPayload(reference, without))).toBe('payload-lost');
      const damaged = whole.get(victim);
      if (!damaged) throw new Error('there is no such part');
      damaged[at % damaged.length] = (damaged[at % damaged.length] ?? 0) ^ (1 << (bit % 8));
      expect(codeOf(() => joinPayload(reference, whole))).toBe('payload-lost');
    }),
  );
});

test('above its bound a payload is refused, at it it is taken', () => {
  fc.assert(
    fc.property(TEXT, (text) => {
      const bytes = Buffer.byteLength(text);
      expect(codeOf(() => splitPayload(text, bytes))).toBeUndefined();
      expect(codeOf(() => splitPayload(text, bytes - 1))).toBe('request-too-large');
    }),
  );
});

test('large is what has more bytes than are kept in an event, whatever its characters', () => {
  expect(isLarge(null)).toBe(false);
  for (const [character, bytes] of [
    ['a', 1],
    ['é', 2],
    ['水', 3],
    ['🌊', 4],
  ] as const)
    for (const over of [-1, 0, 1]) {
      const count = Math.floor(INLINE_BYTES / bytes) + over;
      expect(isLarge(character.repeat(count))).toBe(count * bytes > INLINE_BYTES);
    }
});
