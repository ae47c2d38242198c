import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  afterSnapshots,
  awaitsMark,
  NOTHING_DOUBTED,
  pausedTables,
  type TableTurn,
  tableKey,
} from '../../../pipelines/index-documents/paused-tables.ts';
import { turnsIn } from '../../../pipelines/watch-sources/source-states.ts';
import { newTable } from '../../../pipelines/watch-sources/table-changes.ts';
import type { SourceState, SourceTableState } from '../../../schemas/records.ts';

const [SOURCE, TABLE] = ['shop', 'public.a'];
const standing = (paused: boolean, turn: number): ReadonlyMap<string, TableTurn> =>
  new Map([[tableKey(SOURCE, TABLE), { paused, turn, marked: false, doubtedBefore: NOTHING_DOUBTED }]]);
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
  tables.set(SOURCE, mark(true, 3), 0);
  expect(tables.isPaused(SOURCE, TABLE)).toBe(true);
  tables.set(SOURCE, mark(false, 4), 0);
  expect(tables.isPaused(SOURCE, TABLE)).toBe(false);
});

test('a pause that a stopped watch marks late, behind the mark of the resume, is passed over by a partition that begins between the two', () => {
  const begun = (table: Partial<SourceTableState>) => {
    const state = {
      source: SOURCE,
      tables: [{ ...newTable(TABLE, 0), turn: 5, ...table }],
    } as Partial<SourceState>;
    const tables = pausedTables(turnsIn(new Map([[SOURCE, state as SourceState]])));
    tables.set(SOURCE, mark(true, 4), 0);
    return tables.isPaused(SOURCE, TABLE);
  };
  expect(begun({ state: 'live' })).toBe(false);
  // Not live yet, or in an epoch of its own: the mark of the fifth turn may be ahead of the partition.
  expect(begun({ state: 'snapshotting', signal: 's' })).toBe(true);
  expect(begun({ state: 'snapshotting' })).toBe(true);
  expect(begun({ state: 'paused' })).toBe(true);
});

test('a resume that a stopped watch marks late, behind the mark of the next pause, resumes nothing', () => {
  const tables = pausedTables(standing(true, 5));
  tables.set(SOURCE, mark(false, 4), 0);
  expect(tables.isPaused(SOURCE, TABLE)).toBe(true);
  tables.set(SOURCE, mark(false, 6), 9);
  expect(tables.isPaused(SOURCE, TABLE)).toBe(false);
  expect(tables.isDoubted(SOURCE, TABLE, 8)).toBe(true);
});

test('of marks in any order, from watches that overlap, the last turn holds', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (turns) => {
      const tables = pausedTables(new Map());
      for (const turn of turns) tables.set(SOURCE, mark(turn % 2 === 1, turn), 0);
      expect(tables.isPaused(SOURCE, TABLE)).toBe(Math.max(...turns) % 2 === 1);
    }),
  );
});

test('what a batch that failed decided is forgotten', () => {
  const before = standing(false, 1);
  pausedTables(before).set(SOURCE, mark(true, 2), 0);
  expect(pausedTables(before).isPaused(SOURCE, TABLE)).toBe(false);
});

test('what was made of a row before its table is taken again is doubted, and nothing that is made after it', () => {
  const tables = pausedTables(new Map());
  expect(tables.isDoubted(SOURCE, TABLE, 3)).toBe(false);
  tables.set(SOURCE, mark(true, 1), 5);
  expect(tables.isDoubted(SOURCE, TABLE, 3)).toBe(false);
  tables.set(SOURCE, mark(false, 2), 9);
  expect([8, 9].map((offset) => tables.isDoubted(SOURCE, TABLE, offset))).toEqual([true, false]);
  expect(tables.isDoubted(SOURCE, 'public.b', 8)).toBe(false);
  // An owner that begins behind the mark does not know where it stands.
  const state: TableTurn = { paused: false, turn: 2, marked: false, doubtedBefore: Number.POSITIVE_INFINITY };
  const later = pausedTables(new Map([[tableKey(SOURCE, TABLE), state]]));
  expect(later.isDoubted(SOURCE, TABLE, 1_000)).toBe(true);
});

test('a partition that began past the mark of a table that is read again doubts it until the snapshot is over, and no longer', () => {
  const key = tableKey(SOURCE, TABLE);
  const turn: TableTurn = { paused: false, turn: 2, marked: false, doubtedBefore: Number.POSITIVE_INFINITY };
  const begun = new Map([[key, turn]]);
  expect(pausedTables(afterSnapshots(begun, begun)).isDoubted(SOURCE, TABLE, 1_000)).toBe(true);
  const after = afterSnapshots(begun, standing(false, 2));
  expect(pausedTables(after).isDoubted(SOURCE, TABLE, 0)).toBe(false);
  expect([awaitsMark(begun), awaitsMark(after)]).toEqual([true, false]);
  // Paused again, or taken again since: what the next mark stands behind is doubted still.
  expect(afterSnapshots(begun, standing(true, 3))).toEqual(begun);
  expect(afterSnapshots(begun, standing(false, 4))).toEqual(begun);
  // A mark that was met says more than the state.
  const met = new Map([[key, { ...turn, marked: true, doubtedBefore: 9 }]]);
  expect(afterSnapshots(met, standing(false, 2))).toEqual(met);
});
