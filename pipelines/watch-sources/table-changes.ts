/** What commands, the configuration and the columns of its tables make of a source's state. Pure. */
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
  { table, action, by, reason }: SourceCommand,
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
      switch (action) {
        case 'pause':
          // The first reason is the one that has to be mended.
          return each.state === 'paused'
            ? each
            : { ...each, state: 'paused', reason: because, since: now, signal: null };
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
): SourceTableState => ({ ...table, state: 'snapshotting', reason, since: now, signal, columns: {} });

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
    return reason ? { ...each, state: 'paused' as const, reason, since: at, signal: null } : each;
  }),
});

/** Tables that are paused after and were not before, and the other way round. */
export const pauseTurns = (
  before: SourceState,
  after: SourceState,
): readonly { readonly table: string; readonly paused: boolean }[] =>
  after.tables.flatMap(({ table, state }) => {
    const was = before.tables.find((each) => each.table === table)?.state === 'paused';
    return was === (state === 'paused') ? [] : [{ table, paused: !was }];
  });
