import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { placeOfRow, rowOfPlace } from '../../../connectors/sample-source/row-numbers.ts';
import { sampleRow } from '../../../connectors/sample-source/sample-row.ts';
import { SAMPLE_TABLES, type SampleRow } from '../../../connectors/sample-source/sample-rows.ts';

const textOf = (row: SampleRow): string => {
  if (row.table === 'articles') return row.body;
  return row.table === 'products' ? row.summary : row.description;
};
const wordsOf = (text: string): number => text.split(/\s+/).length;
const rowNumber = fc.integer({ min: 0, max: 3_000_000 });
const seedNumber = fc.integer({ min: 0, max: 0x7fffffff });

describe('a row', () => {
  test('is the same whatever was made before it', () => {
    fc.assert(
      fc.property(seedNumber, rowNumber, rowNumber, (seed, row, other) => {
        const alone = sampleRow(seed, row);
        sampleRow(seed, other);
        sampleRow(seed + 1, row);
        expect(sampleRow(seed, row)).toEqual(alone);
      }),
    );
  });

  test('differs with the seed', () => {
    fc.assert(
      fc.property(seedNumber, rowNumber, (seed, row) => {
        expect(sampleRow(seed + 1, row + 1)).not.toEqual(sampleRow(seed, row + 1));
      }),
    );
  });

  test('has a place that leads back to its number', () => {
    fc.assert(
      fc.property(rowNumber, (row) => {
        const { table, id } = placeOfRow(row);
        expect(rowOfPlace(table, id)).toBe(row);
        expect(sampleRow(1, row)).toMatchObject({ table, id });
      }),
    );
  });
});

describe('50,000 rows', () => {
  const rows = Array.from({ length: 50_000 }, (_, row) => sampleRow(1, row));
  const texts = rows.map(textOf);
  const lengths = texts.map(wordsOf).sort((a, b) => a - b);
  const quantile = (share: number): number => lengths[Math.floor(share * (lengths.length - 1))] ?? 0;

  test('are 70 % articles, 10 % products, 20 % incidents, three fifths of them of one tenant', () => {
    const count = (predicate: (row: SampleRow) => boolean): number => rows.filter(predicate).length;
    expect(SAMPLE_TABLES.map((table) => count((row) => row.table === table))).toEqual([
      35_000, 5_000, 10_000,
    ]);
    expect(count((row) => row.tenant === 'tarnwell')).toBe(30_000);
    expect(count((row) => row.tenant === 'osterby')).toBe(20_000);
  });

  test('say different things: 99.9 % of texts are unlike any other, and so are all product names', () => {
    expect(new Set(texts).size).toBeGreaterThanOrEqual(49_950);
    const names = rows.flatMap((row) => (row.table === 'products' ? [row.name] : []));
    expect(new Set(names).size).toBe(5_000);
  });

  test('range from one line to several pages around a hundred words', () => {
    expect(quantile(0.01)).toBeLessThanOrEqual(15);
    expect(quantile(0.5)).toBeGreaterThanOrEqual(70);
    expect(quantile(0.5)).toBeLessThanOrEqual(130);
    expect(quantile(0.9)).toBeGreaterThanOrEqual(250);
    expect(quantile(0.99)).toBeGreaterThanOrEqual(1_400);
    expect(quantile(1)).toBeLessThanOrEqual(3_000);
  });

  test('hold no template that was left unfilled', () => {
    const unfilled = texts.filter((text) => /[{}[\]|]|undefined|NaN| {2}/.test(text));
    expect(unfilled).toEqual([]);
  });

  test('leave headings on lines of their own', () => {
    const broken = texts.filter((text) => /[^\n]## |[^\n]\n## |^## .*\n[^\n]/m.test(text));
    expect(broken).toEqual([]);
  });
});
