/** What commands, the configuration and the columns of its tables make of a source's state. Pure. */
import type { TableMark } from '../../connectors/debezium/table-mark.ts';
import type { TableShapes } from '../../connectors/sources/source-kind.ts';
import { uncarriedTrouble } from '../../connectors/sources/table-shapes.ts';
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
  mapping: '',
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
 * Tables as the configuration names them, with the digests of their mappings. A new one, and one of another mapping, is read by an
 * incremental snapshot, whether the source's own is under way or through: Debezium may have done with that one long before it is swept.
 */
export const withTables = (
  state: SourceState,
  tables: ReadonlyMap<string, string>,
  signal: string,
  now: number,
): SourceState => ({
  ...state,
  tables: [...tables].map(([table, mapping]) => {
    const known = state.tables.find((each) => each.table === table);
    if (!known) return { ...newTable(table, now), mapping, signal, reason: 'added to a running source' };
    // A paused one is read when it is resumed; of one that an earlier release wrote nobody knows.
    const isOther = known.mapping !== '' && known.mapping !== mapping && known.state !== 'paused';
    return { ...(isOther ? snapshotOf(known, signal, 'its mapping was changed', now) : known), mapping };
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
          // The first reason is the one that has to be mended; what goes on by itself does not any more.
          return each.state === 'paused' && !isWaiting(each) ? each : paused(each, because, now);
        case 'resume':
          // Whether it is published still nobody has looked.
          return each.state === 'paused'
            ? { ...snapshotOf(each, signal, 'resumed', now), identity: '' }
            : each;
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

/** What a table that has gone is paused with; one that comes back is read again by itself. */
const GONE_FROM = 'it has gone from its database: ';
const GONE = `${GONE_FROM}dropped, renamed, without a primary key or a replica identity that names it, or no longer to be seen by the user of the source`;
/** What the reason of a table begins with that was made anew and could not be captured; tried again with every look. */
const UNCAPTURED = 'it was made anew and cannot be captured: ';

/** Paused by what was found, not by a person: it goes on by itself once it can. */
const isWaiting = ({ state, reason }: Pick<SourceTableState, 'state' | 'reason'>): boolean =>
  state === 'paused' && [GONE_FROM, UNCAPTURED].some((each) => reason?.startsWith(each));

const differs = ({ table, identity }: SourceTableState, now: TableShapes): boolean => {
  const found = now.get(table);
  // One that an earlier release wrote says nothing of the key: it is told with the next state.
  const isSame =
    found?.identity === identity || (identity !== '' && found?.identity.startsWith(`${identity}/`));
  return found !== undefined && !isSame;
};

/** Tables that were captured and are not there now; one that never was is a mistake of the configuration. */
export const goneFrom = ({ tables }: Pick<SourceState, 'tables'>, now: TableShapes): readonly string[] =>
  tables
    .filter((each) => {
      const wasCaptured = each.identity !== '' || Object.keys(each.columns).length > 0 || each.turn > 0;
      return wasCaptured && !now.has(each.table);
    })
    .map(({ table }) => table);

/** Tables that are others than those that were captured, or are back. */
export const othersFrom = ({ tables }: Pick<SourceState, 'tables'>, now: TableShapes): readonly string[] =>
  tables
    .filter((each) =>
      isWaiting(each)
        ? now.has(each.table)
        : each.state !== 'paused' && each.identity !== '' && differs(each, now),
    )
    .map(({ table }) => table);

/**
 * Tables that may keep the others from being registered, and can be left out for a moment: those of which nothing is captured now.
 * `all`: where nothing is captured of any.
 */
export const doubtfulFrom = (
  state: Pick<SourceState, 'tables'>,
  now: TableShapes,
  all: boolean,
): readonly string[] => {
  const others = new Set(othersFrom(state, now));
  return state.tables
    .filter((each) => {
      const isTakenOn = each.state === 'snapshotting' && each.identity === '' && each.turn > 0;
      return all || others.has(each.table) || each.state === 'paused' || isTakenOn;
    })
    .map(({ table }) => table)
    .filter((table) => now.has(table));
};

/** Whether what is captured has to be said anew: a table is another, is back, or is looked at for the first time. */
export const isToRegister = (state: Pick<SourceState, 'tables'>, now: TableShapes): boolean =>
  othersFrom(state, now).length > 0 ||
  state.tables.some((each) => each.state !== 'paused' && each.identity === '' && differs(each, now));

/**
 * Pauses tables whose columns no longer fit their mappings, or that changes do not carry, and those that have gone; has those read again that came back or were
 * made anew, unless they could not be captured (`refusals`: why, by table); accepts the columns of those that were just taken on.
 */
export const withShapes = (
  state: SourceState,
  now: TableShapes,
  readBy: ReadonlyMap<string, readonly string[]>,
  signal: string,
  at: number,
  refusals: ReadonlyMap<string, string> = new Map(),
): SourceState => {
  const others = new Set(othersFrom(state, now));
  return {
    ...state,
    tables: state.tables.map((each) => {
      const found = now.get(each.table);
      const refusal = refusals.get(each.table);
      const accepted = () => acceptedColumns(readBy.get(each.table) ?? [], found?.columns ?? {});
      if (refusal !== undefined && each.state !== 'paused')
        return paused(each, `${UNCAPTURED}${refusal}`, at);
      if (refusal === undefined && others.has(each.table) && found) {
        const why = each.state === 'paused' ? 'it came back' : 'it was made anew, or has another primary key';
        return { ...snapshotOf(each, signal, why, at), identity: found.identity, columns: accepted() };
      }
      if (each.state === 'paused') return each;
      if (!found) return paused(each, GONE, at);
      const { identity } = found;
      const uncarried = uncarriedTrouble(readBy.get(each.table) ?? [], found);
      if (uncarried) return paused({ ...each, identity }, uncarried, at);
      if (Object.keys(each.columns).length === 0) return { ...each, identity, columns: accepted() };
      const reason = columnTrouble(each.columns, found.columns);
      return reason ? paused(each, reason, at) : { ...each, identity };
    }),
  };
};

/** The tables that a snapshot of their own was asked for under a signal, and that were not paused or asked for anew since. */
export const tablesOf = ({ tables }: Pick<SourceState, 'tables'>, signal: string): readonly string[] =>
  tables.filter((each) => each.signal === signal).map(({ table }) => table);

/** How each table stands. */
export const marksOf = ({ tables }: SourceState): readonly TableMark[] =>
  tables.map(({ table, state, turn }) => ({ table, paused: state === 'paused', turn }));

/** The pauses that are still to be marked, given the turns that were. A table that is taken again is marked before its signal. */
export const unmarked = (state: SourceState, marked: ReadonlyMap<string, number>): readonly TableMark[] =>
  marksOf(state).filter(({ table, paused, turn }) => paused && marked.get(table) !== turn);
