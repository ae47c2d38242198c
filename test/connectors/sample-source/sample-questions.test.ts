import { expect, test } from 'vitest';
import { KEPT_BLOCK_STEP, placeOfRow, rowOfPlace } from '../../../connectors/sample-source/row-numbers.ts';
import { sampleQuestions } from '../../../connectors/sample-source/sample-questions.ts';
import { sampleRow } from '../../../connectors/sample-source/sample-row.ts';
import type { SampleRow } from '../../../connectors/sample-source/sample-rows.ts';

const textOf = (row: SampleRow): string => {
  if (row.table === 'articles') return row.body;
  return row.table === 'products' ? row.summary : row.description;
};

test('the fact of a question is in the text of each of its rows, and its sentence in no other row', () => {
  const rows = 3_000;
  const sample = Array.from({ length: rows }, (_, row) => sampleRow(7, row));
  const questions = sampleQuestions({ seed: 7, count: 400, rows });
  expect(questions).toHaveLength(400);
  for (const { tenant, fact, sentence, rows: labelled } of questions) {
    expect(sentence).toContain(fact);
    const stating = sample.filter((row) => textOf(row).includes(sentence));
    const place = ({ table, id }: { table: string; id: number }): string => `${table} ${id}`;
    expect(stating.map(place).sort()).toEqual(labelled.map(place).sort());
    for (const row of stating) expect(row.tenant).toBe(tenant);
  }
});

test('questions are different from each other, and the same each time', () => {
  const questions = sampleQuestions({ seed: 7, count: 500, rows: 50_000 });
  expect(new Set(questions.map(({ question }) => question)).size).toBe(500);
  expect(sampleQuestions({ seed: 7, count: 500, rows: 50_000 })).toEqual(questions);
});

test('questions come from rows that exist and that the editor never deletes', () => {
  for (const { rows } of sampleQuestions({ seed: 3, count: 1_000, rows: 777 })) {
    expect(rows.length).toBeGreaterThan(0);
    for (const { table, id } of rows) {
      const row = rowOfPlace(table, id);
      expect(row).toBeLessThan(777);
      expect(placeOfRow(row).block % KEPT_BLOCK_STEP).toBe(0);
    }
  }
});

test('a handful of rows or none gives a handful of questions or none', () => {
  expect(sampleQuestions({ seed: 1, count: 10, rows: 0 })).toEqual([]);
  expect(sampleQuestions({ seed: 1, count: 10, rows: 1 })).toEqual([]);
  expect(sampleQuestions({ seed: 1, count: 10, rows: 500 })).toHaveLength(10);
});
