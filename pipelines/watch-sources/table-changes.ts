/** What commands, the configuration and the columns of its tables make of a source's state. Pure. */
import type { TableMark } from '../../connectors/debezium/table-mark.ts';
import type { TableColumns } from '../../connectors/sources/source-kind.ts';
import type { SourceState, SourceTableState } from '../../schemas/records.ts';
import { acceptedColumns, columnTrouble } from './column-changes.ts';
import type { SourceCommand } from './source-commands.ts';
import { isSwept, PAUSED_BY, RESUMING } from './source-watch-state.ts';

export const newTable = (table: string, now: number): SourceTableState => ({
  table,
  state: 'snapshotting',
  reason: null,
  since: now,
  signal: null,
  columns: {},
  turn: 0,
});

const paused = (table: SourceTableState, reason: string, now: number): SourceTableState => ({
  ...table,
  state: 'paused',
  reason,
  since: now,
  signal: null,
  turn: table.turn + 1,
});

/** Tables as the configuration names them: a new one of a running source is read by an incremental snapshot. */
export const withTables = (
  state: SourceState,
  tables: readonly string[],
  signal: string,
  now: number,
): SourceState => ({
  ...state,
  tables: tables.map((table) => {
    const known = state.tables.find((each) => each.table === table);
    if (known) return known;
    const added = newTable(table, now);
    return isSwept(state) ? { ...added, signal, reason: 'added to a running source' } : added;
  }),
});

/** Carries a command out, as far as the state is concerned. What it names and is not there is passed over. */
export const commanded = (
  state: SourceState,
  { table, action, by, reason, turn }: SourceCommand,
  signal: string,
  now: number,
): SourceState => {
  const because = `${PAUSED_BY}${by}${reason ? `: ${reason}` : ''}`;
  // A capture that is about to begin anew must not be forgotten for it.
  if (table === undefined && action === 'pause' && state.state === 'lost') return state;
  if (table === undefined && action === 'pause') return { ...state, state: 'paused', reason: because };
  if (table === undefined && action === 'resume')
    return state.state === 'paused' ? { ...state, state: 'unknown', reason: RESUMING } : state;
  return {
    ...state,
    tables: state.tables.map((each): SourceTableState => {
      if (table !== undefined && each.table !== table) return each;
      // Found in rows from before it was mended and taken again; the mark of that is on its way to who found it.
      if (turn !== undefined && turn < each.turn) return each;
      switch (action) {
        case 'pause':
          // The first reason is the one that has to be mended.
          return each.state === 'paused' ? each : paused(each, because, now);
        case 'resume':
          return each.state === 'paused' ? snapshotOf(each, signal, 'resumed', now) : each;
        case 'snapshot':
          return each.state === 'paused' ? each : snapshotOf(each, signal, `asked for by ${by}`, now);
        default:
          return action satisfies never;
      }
    }),
  };
};

const snapshotOf = (
  table: SourceTableState,
  signal: string,
  reason: string,
  now: number,
): SourceTableState => ({
  ...table,
  state: 'snapshotting',
  reason,
  since: now,
  signal,
  columns: {},
  turn: table.turn + 1,
});

/** Pauses tables whose columns no longer fit their mappings; accepts the columns of those that were just taken on. */
export const withColumns = (
  state: SourceState,
  now: TableColumns,
  readBy: ReadonlyMap<string, readonly string[]>,
  at: number,
): SourceState => ({
  ...state,
  tables: state.tables.map((each) => {
    const found = now.get(each.table);
    if (!found || each.state === 'paused') return each;
    if (Object.keys(each.columns).length === 0)
      return { ...each, columns: acceptedColumns(readBy.get(each.table) ?? [], found) };
    const reason = columnTrouble(each.columns, found);
    return reason ? paused(each, reason, at) : each;
  }),
});

/** The tables that a snapshot of their own was asked for under a signal, and that were not paused or asked for anew since. */
export const tablesOf = ({ tables }: Pick<SourceState, 'tables'>, signal: string): readonly string[] =>
  tables.filter((each) => each.signal === signal).map(({ table }) => table);

/** How each table stands. */
export const marksOf = ({ tables }: SourceState): readonly TableMark[] =>
  tables.map(({ table, state, turn }) => ({ table, paused: state === 'paused', turn }));

/** The pauses that are still to be marked, given the turns that were. A table that is taken again is marked before its signal. */
export const unmarked = (state: SourceState, marked: ReadonlyMap<string, number>): readonly TableMark[] =>
  marksOf(state).filter(({ table, paused, turn }) => paused && marked.get(table) !== turn);
