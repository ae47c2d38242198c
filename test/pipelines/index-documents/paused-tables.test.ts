import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pausedTables, type TableTurn, tableKey } from '../../../pipelines/index-documents/paused-tables.ts';

const [SOURCE, TABLE] = ['shop', 'public.a'];
const standing = (paused: boolean, turn: number): ReadonlyMap<string, TableTurn> =>
  new Map([[tableKey(SOURCE, TABLE), { paused, turn, marked: false }]]);
const mark = (paused: boolean, turn: number) => ({ table: TABLE, paused, turn });

test('a row without a column that is read pauses its table from there on, in the turn that the partition had come to', () => {
  const tables = pausedTables(standing(false, 4));
  tables.find(SOURCE, TABLE, ['body']);
  expect(tables.isPaused(SOURCE, TABLE)).toBe(true);
  expect(tables.isPaused(SOURCE, 'public.b')).toBe(false);
  expect(tables.found()).toMatchObject([{ source: SOURCE, table: TABLE, turn: 4 }]);
});

test('a partition that is behind the state of its source follows the marks of its own past', () => {
  const tables = pausedTables(standing(false, 4));
  tables.set(SOURCE, mark(true, 3));
  expect(tables.isPaused(SOURCE, TABLE)).toBe(true);
  tables.set(SOURCE, mark(false, 4));
  expect(tables.isPaused(SOURCE, TABLE)).toBe(false);
});

test('of marks in any order, from watches that overlap, the last turn holds', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (turns) => {
      const tables = pausedTables(new Map());
      for (const turn of turns) tables.set(SOURCE, mark(turn % 2 === 1, turn));
      expect(tables.isPaused(SOURCE, TABLE)).toBe(Math.max(...turns) % 2 === 1);
    }),
  );
});

test('what a batch that failed decided is forgotten', () => {
  const before = standing(false, 1);
  pausedTables(before).set(SOURCE, mark(true, 2));
  expect(pausedTables(before).isPaused(SOURCE, TABLE)).toBe(false);
});
