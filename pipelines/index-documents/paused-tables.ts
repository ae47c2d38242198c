/** Which tables are paused, within one batch: what it decides counts once it is done, and not before. Pure. */
import type { TableMark } from '../../connectors/debezium/table-mark.ts';

export interface FoundPause {
  readonly source: string;
  readonly table: string;
  readonly reason: string;
  /** The table's turn that the partition had come to. In a later one, it was mended and taken again meanwhile. */
  readonly turn: number;
}

/** A table that was paused or taken again, for the last time so far. */
export interface TableTurn {
  readonly paused: boolean;
  readonly turn: number;
  /** By a mark of the partition; otherwise the state of the source said so, which may be ahead of the partition. */
  readonly marked: boolean;
}

export interface PausedTables {
  isPaused(source: string, table: string): boolean;
  /** Somebody resumed it, or asked for a snapshot of it: what is read of it is what its rows should be. */
  isTakenAgain(source: string, table: string): boolean;
  set(source: string, mark: TableMark): void;
  /** A row lacks columns that the table's mapping reads: paused from here on, and asked for. */
  find(source: string, table: string, missing: readonly string[]): void;
  /** Its changes are not what its rows should become: paused from here on, and asked for. */
  pause(source: string, table: string, reason: string): void;
  found(): readonly FoundPause[];
  after(): ReadonlyMap<string, TableTurn>;
}

export const tableKey = (source: string, table: string): string => `${source}/${table}`;

const NONE: TableTurn = { paused: false, turn: 0, marked: false };

export const pausedTables = (before: ReadonlyMap<string, TableTurn>): PausedTables => {
  const turns = new Map(before);
  const found: FoundPause[] = [];
  const of = (source: string, table: string): TableTurn => turns.get(tableKey(source, table)) ?? NONE;
  const pause = (source: string, table: string, reason: string): void => {
    const last = of(source, table);
    turns.set(tableKey(source, table), { ...last, paused: true });
    found.push({ source, table, reason, turn: last.turn });
  };
  return {
    isPaused: (source, table) => of(source, table).paused,
    isTakenAgain: (source, table) => !of(source, table).paused && of(source, table).turn > 0,
    set: (source, { table, paused, turn }) => {
      const last = of(source, table);
      // A watch that was stopped and goes on may append the mark of a turn that is over.
      if (last.marked && turn < last.turn) return;
      turns.set(tableKey(source, table), { paused, turn, marked: true });
    },
    pause,
    find: (source, table, missing) => {
      const columns = missing.length === 1 ? `column ${missing[0]}` : `columns ${missing.join(', ')}`;
      pause(source, table, `its mapping reads the ${columns}, which its rows do not have`);
    },
    found: () => found,
    after: () => turns,
  };
};
