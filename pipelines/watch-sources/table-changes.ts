/** What commands, the configuration and the columns of its tables make of a source's state. Pure. */
import type { TableMark } from '../../connectors/debezium/table-mark.ts';
import type { TableShapes } from '../../connectors/sources/source-kind.ts';
import type { SourceState, SourceTableState } from '../../schemas/records.ts';
import { acceptedColumns, columnTrouble } from './column-changes.ts';
import type { SourceCommand } from './source-commands.ts';
import { PAUSED_BY, RESUMING } from './source-watch-state.ts';

export const newTable = (table: string, now: number): SourceTableState => ({
  table,
  state: 'snapshotting',
  reason: null,
  since: now,
  signal: null,
  columns: {},
  identity: '',
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

/**
 * Tables as the configuration names them. A new one is read by an incremental snapshot, whether the source's own is under way or
 * through: Debezium may have done with that one long before it is swept.
 */
export const withTables = (
  state: SourceState,
  tables: readonly string[],
  signal: string,
  now: number,
): SourceState => ({
  ...state,
  tables: tables.map((table) => {
    const known = state.tables.find((each) => each.table === table);
    return known ?? { ...newTable(table, now), signal, reason: 'added to a running source' };
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
  identity: '',
  turn: table.turn + 1,
});

/** What a table that has gone is paused with; one that comes back is read again by itself. */
const GONE =
  'it has gone from its database: dropped, renamed, or no longer to be seen by the user of the source';

/** Tables that were captured and are not there now; one that never was is a mistake of the configuration. */
export const goneFrom = ({ tables }: Pick<SourceState, 'tables'>, now: TableShapes): readonly string[] =>
  tables
    .filter(
      ({ table, identity, columns }) =>
        !now.has(table) && (identity !== '' || Object.keys(columns).length > 0),
    )
    .map(({ table }) => table);

/** Whether a table is another than the one that was captured, or has not been held to anything yet. */
export const hasAnother = ({ tables }: Pick<SourceState, 'tables'>, now: TableShapes): boolean =>
  tables.some(({ table, state, reason, identity }) => {
    const found = now.get(table);
    return found !== undefined && (state !== 'paused' || reason === GONE) && found.identity !== identity;
  });

/**
 * Pauses tables whose columns no longer fit their mappings, and those that have gone; has those read again that came back or were
 * made anew; accepts the columns of those that were just taken on.
 */
export const withShapes = (
  state: SourceState,
  now: TableShapes,
  readBy: ReadonlyMap<string, readonly string[]>,
  signal: string,
  at: number,
): SourceState => ({
  ...state,
  tables: state.tables.map((each) => {
    const found = now.get(each.table);
    if (each.state === 'paused')
      return each.reason === GONE && found ? snapshotOf(each, signal, 'it came back', at) : each;
    if (!found) return paused(each, GONE, at);
    if (each.identity !== '' && each.identity !== found.identity)
      return snapshotOf(each, signal, 'it was made anew', at);
    const { identity } = found;
    if (Object.keys(each.columns).length === 0)
      return { ...each, identity, columns: acceptedColumns(readBy.get(each.table) ?? [], found.columns) };
    const reason = columnTrouble(each.columns, found.columns);
    return reason ? paused(each, reason, at) : { ...each, identity };
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
