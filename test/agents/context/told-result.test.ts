import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TOLD_CHARACTERS, toldResult } from '../../../agents/context/told-result.ts';
import { INLINE_BYTES } from '../../../schemas/payload-parts.ts';

const REPEATED = fc.tuple(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 7 }),
  fc.integer({ min: 1, max: 30_000 }),
);

test('a result that stands in its event is told whole; of a larger one the beginning and its length, with no half character', () => {
  fc.assert(
    fc.property(REPEATED, ([unit, times]) => {
      const text = unit.repeat(times);
      const told = toldResult(text);
      if (Buffer.byteLength(text) <= INLINE_BYTES || text.length <= TOLD_CHARACTERS) {
        expect(told).toBe(text);
        return;
      }
      expect(told.length).toBeLessThan(TOLD_CHARACTERS + 200);
      expect(told).toContain(` of ${text.length} characters`);
      const [beginning = ''] = told.split('…\n(Cut: ');
      expect(text.startsWith(beginning)).toBe(true);
      expect(Buffer.from(beginning).toString()).toBe(beginning);
    }),
  );
});
