import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createHashEmbeddingModel } from '../../../connectors/models/embedding/hash-embedding-model.ts';
import { longDocument } from '../../../connectors/sample-source/long-document.ts';
import { type ChunkLimits, chunkText, segmentsOf } from '../../../pipelines/index-documents/chunk-text.ts';
import { chunkDraft, planChunks } from '../../../pipelines/index-documents/document-records.ts';

const model = createHashEmbeddingModel();
const words = (text: string): number => model.countTokens(text);
/** A tokenizer that sees bytes alone: the longest count that any text can have. */
const bytes = (text: string): number => Buffer.byteLength(text, 'utf8');

const piece = fc.oneof(
  fc.constantFrom(
    '# Heading',
    '\n',
    '\n\n',
    ' ',
    '. ',
    '! ',
    '\r\n',
    '🔑🔑',
    '👩‍👩‍👧',
    '鍵',
    'Dr. No. ',
    '\t',
    '3.14 ',
  ),
  fc.lorem({ maxCount: 3, mode: 'sentences' }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.integer({ min: 1, max: 300 }).map((length) => 'x'.repeat(length)),
  fc.integer({ min: 1, max: 60 }).map((length) => '😀'.repeat(length)),
);
const text = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(''));
const limits: fc.Arbitrary<ChunkLimits> = fc
  .record({
    maxTokens: fc.integer({ min: 16, max: 64 }),
    share: fc.integer({ min: 0, max: 49 }),
    countTokens: fc.constantFrom(words, bytes),
  })
  .map(({ maxTokens, share, countTokens }) => ({
    maxTokens,
    overlapTokens: Math.floor((maxTokens * share) / 100),
    countTokens,
  }));

test('every character that is no white space is in a slice; slices go forward and have no white space at their ends', () => {
  fc.assert(
    fc.property(text, limits, (whole, each) => {
      const slices = chunkText(whole, each);
      const covered = new Uint8Array(whole.length);
      let before = { start: -1, end: -1 };
      for (const { start, end } of slices) {
        expect(start).toBeLessThan(end);
        expect(start).toBeGreaterThanOrEqual(before.start);
        expect(end).toBeGreaterThan(before.end);
        covered.fill(1, start, end);
        expect(whole.slice(start, end)).toBe(whole.slice(start, end).trim());
        before = { start, end };
      }
      const missed = [...covered].filter((hit, at) => hit === 0 && /\S/.test(whole[at] ?? ''));
      expect(missed).toHaveLength(0);
    }),
    { numRuns: 400 },
  );
});

test('no slice is over the limit, whatever the tokenizer', () => {
  fc.assert(
    fc.property(text, limits, (whole, each) => {
      for (const { start, end } of chunkText(whole, each)) {
        // White space between sentences is nothing to a word tokenizer, and is counted by one of bytes.
        const tokens = each.countTokens(
          whole.slice(start, end).replaceAll(/\s+/g, each.countTokens === bytes ? '' : ' '),
        );
        expect(tokens).toBeLessThanOrEqual(each.maxTokens);
      }
    }),
    { numRuns: 400 },
  );
});

test('a surrogate pair is never cut', () => {
  fc.assert(
    fc.property(text, limits, (whole, each) => {
      for (const { start, end } of chunkText(whole, each))
        expect(() => encodeURIComponent(whole.slice(start, end))).not.toThrow();
    }),
    { numRuns: 400 },
  );
});

test('equal text gives equal slices; white space alone gives none', () => {
  fc.assert(
    fc.property(text, limits, (whole, each) => {
      expect(chunkText(whole, each)).toEqual(chunkText(whole, each));
    }),
  );
  expect(chunkText(' \n\t ', { maxTokens: 20, overlapTokens: 4, countTokens: words })).toEqual([]);
});

/** Of nine tokens; begins with a capital, or it would go on with the one before. */
const sentence = (word: string): string => `${word.toUpperCase()}${` ${word}`.repeat(7)}.`;
const sliced = (whole: string, each: Partial<ChunkLimits> = {}): readonly string[] =>
  chunkText(whole, { maxTokens: 40, overlapTokens: 0, countTokens: words, ...each }).map(({ start, end }) =>
    whole.slice(start, end),
  );

test('a heading begins a chunk where the one before is half full, and goes on with it otherwise', () => {
  const half = `# One\n${sentence('a')} ${sentence('b')} ${sentence('c')}\n# Two\n${sentence('d')}`;
  expect(sliced(half)).toHaveLength(2);
  expect(sliced(half)[1]).toMatch(/^# Two/);
  expect(sliced(`# One\n${sentence('a')}\n# Two\n${sentence('d')}`)).toHaveLength(1);
});

test('a chunk repeats whole sentences of the one before, within the overlap, and never over a heading', () => {
  const whole = ['a', 'b', 'c', 'd', 'e', 'f'].map(sentence).join(' ');
  const [first = '', second = ''] = sliced(whole, { overlapTokens: 10 });
  expect(first.endsWith(sentence('d'))).toBe(true);
  expect(second.startsWith(sentence('d'))).toBe(true);
  expect(sliced(whole, { overlapTokens: 5 })[1]?.startsWith(sentence('e'))).toBe(true);
});

test('an edit in one section of a long document leaves nearly all other chunks as they were', () => {
  const before = longDocument(7, { newest: 12, pages: 12 });
  const hashes = (whole: string): ReadonlySet<string> =>
    new Set(
      planChunks(
        { title: 'Guide', text: whole, tenant: 'acme', metadata: {} },
        chunkText(whole, { maxTokens: 100, overlapTokens: 15, countTokens: words }),
        'm',
      ).map((chunk) => chunk.hash),
    );
  const held = hashes(before);
  expect(held.size).toBeGreaterThan(5);
  for (let tenth = 1; tenth < 10; tenth += 1) {
    const place = before.indexOf('. ', Math.floor((before.length * tenth) / 10)) + 2;
    const after = `${before.slice(0, place)}This sentence was put in by hand. ${before.slice(place)}`;
    const fresh = [...hashes(after)].filter((hash) => !held.has(hash)).length;
    expect(fresh).toBeGreaterThan(0);
    // Chunks run on until a heading finds one half full: from there on they are as before.
    expect(fresh).toBeLessThanOrEqual(held.size / 2);
  }
});

test('a long title takes half of each chunk at most, and adds few of them', () => {
  const limits = { maxTokens: 40, overlapTokens: 0, countTokens: words };
  const draft = {
    text: ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map(sentence).join(' '),
    tenant: 'acme',
    metadata: {},
  };
  const plan = (title: string) => chunkDraft({ ...draft, title }, limits, 'm');
  const long = plan('Guide to all of it. '.repeat(5_000));
  expect(long.length).toBeLessThanOrEqual(2 * plan('').length);
  for (const { text } of long) expect(words(text)).toBeLessThanOrEqual(40);
  expect(long[0]?.text).toMatch(/^Guide to all of it\./);
  // One word that is one token.
  for (const { text } of plan(`${'x'.repeat(1_999)}🔑${'x'.repeat(200_000)}`))
    expect(text).toMatch(/^x{1999}\n/);
  const short = 'A title of five words';
  expect(plan(short)[0]?.text.startsWith(`${short}\n`)).toBe(true);
});

/** Letters, terminators, closing signs and marks of other scripts, and halves of pairs. */
const ELSEWHERE = [
  'é',
  'É',
  'ß',
  'ش',
  'ก',
  '鍵',
  '。',
  '？',
  '؟',
  '।',
  '．',
  '․',
  '»',
  '”',
  '’',
  '\u0301',
  '\u200d',
  '\u00ad',
  '𝐀',
  '𝐚',
  '𐀀',
  '\ud83d',
  '😀',
  '٣',
  '€',
  '…',
  'ǅ',
  'ª',
];

test('a line cut without ICU is cut as ICU would cut it, into pieces that hold anything', () => {
  const icu = new Intl.Segmenter('en', { granularity: 'sentence' });
  // White space alone at the end belongs to no unit, wherever it is counted to.
  const pieces = (segments: Iterable<{ readonly segment: string }>) =>
    [...segments].map(({ segment }) => segment.trim()).filter((piece) => piece !== '');
  const part = fc.constantFrom(
    ...[
      'a',
      'Word',
      'Dr',
      '3',
      '12',
      ' ',
      '  ',
      '.',
      '...',
      '!',
      '?',
      ')',
      '"',
      "'",
      ',',
      ';',
      ':',
      '-',
      '\t',
    ],
    ...[
      'e.g. ',
      'v4.12.3',
      '. ',
      '.)',
      '?" ',
      '(',
      '/',
      '#',
      '*',
      '\u00a0',
      '\u2028',
      '\u3002',
      '\r',
      '\v',
      '\x85',
    ],
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
      const line = parts.join('');
      expect(pieces(segmentsOf(line))).toEqual(pieces(icu.segment(line)));
    }),
    { numRuns: 5_000 },
  );
  // And a piece at a time, in pieces that end anywhere: the same ends, to the code unit.
  const any = fc.oneof(part, fc.string({ unit: 'grapheme', maxLength: 3 }), fc.constantFrom(...ELSEWHERE));
  fc.assert(
    fc.property(fc.array(any, { maxLength: 60 }), fc.integer({ min: 1, max: 40 }), (parts, window) => {
      const line = `${parts.join('')}. X`;
      const ends = (segments: Iterable<{ readonly index: number; readonly segment: string }>) =>
        [...segments].map(({ index, segment }) => [index, segment]);
      expect(ends(segmentsOf(line, window))).toEqual(ends(icu.segment(line)));
    }),
    { numRuns: 5_000 },
  );
});
