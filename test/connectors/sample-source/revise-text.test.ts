import fc from 'fast-check';
import { expect, test } from 'vitest';
import { reviseText } from '../../../connectors/sample-source/revise-text.ts';
import { sampleRow } from '../../../connectors/sample-source/sample-row.ts';

const withoutNotes = (text: string): string =>
  text
    .split('\n\n')
    .filter((paragraph) => !/^Note \d+: /.test(paragraph))
    .join('\n\n');

test('an edit always changes the text, keeps what was said, and leaves three notes at most', () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(100_000), (seed, row) => {
      const made = sampleRow(seed, row * 10 + 2);
      const original = made.table === 'articles' ? made.body : '';
      let text = original;
      for (let step = 1; step < 30; step += 1) {
        const revised = reviseText(text, seed, step);
        expect(revised).not.toBe(text);
        expect(withoutNotes(revised)).toBe(original);
        expect(revised.match(/^Note \d+: /gm)?.length ?? 0).toBeLessThanOrEqual(3);
        text = revised;
      }
    }),
    { numRuns: 60 },
  );
});
