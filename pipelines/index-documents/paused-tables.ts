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
  /** The partition is past the mark of the turn; otherwise the state of the source said so, which may be ahead of the partition. */
  readonly marked: boolean;
  /**
   * What was made of changes before this offset of the partition may be older than the table: it was paused meanwhile, or is another
   * one. NOTHING_DOUBTED where nothing is; Infinity while the table is read again and the mark of that was not met.
   */
  readonly doubtedBefore: number;
}

export interface PausedTables {
  isPaused(source: string, table: string): boolean;
  /** Somebody resumed it, or asked for a snapshot of it: what is read of it is what its rows should be. */
  isTakenAgain(source: string, table: string): boolean;
  /** `offset`: of the mark. */
  set(source: string, mark: TableMark, offset: number): void;
  /** Whether what a change at this offset made of a row may have been changed since by one that was passed over. */
  isDoubted(source: string, table: string, offset: number): boolean;
  /** A row lacks columns that the table's mapping reads: paused from here on, and asked for. */
  find(source: string, table: string, missing: readonly string[]): void;
  /** Its changes are not what its rows should become: paused from here on, and asked for. */
  pause(source: string, table: string, reason: string): void;
  found(): readonly FoundPause[];
  after(): ReadonlyMap<string, TableTurn>;
}

export const tableKey = (source: string, table: string): string => `${source}/${table}`;

/** Below every offset, a repair's too. */
export const NOTHING_DOUBTED = -1;

const NONE: TableTurn = { paused: false, turn: 0, marked: false, doubtedBefore: NOTHING_DOUBTED };

/** Whether a table is doubted until its mark is met: a partition that began past it never meets it. */
export const awaitsMark = (turns: ReadonlyMap<string, TableTurn>): boolean =>
  [...turns.values()].some(({ doubtedBefore }) => doubtedBefore === Number.POSITIVE_INFINITY);

/**
 * `now`: what the states of the sources say by now. A table whose snapshot is over, which it is once every partition has done it, is
 * doubted no more, though the partition began past its mark. One that was paused again has no snapshot either: the mark of its next
 * turn is still to come.
 */
export const afterSnapshots = (
  turns: ReadonlyMap<string, TableTurn>,
  now: ReadonlyMap<string, TableTurn>,
): ReadonlyMap<string, TableTurn> =>
  new Map(
    [...turns].map(([key, turn]) => {
      const said = now.get(key);
      const isOver = said !== undefined && !said.paused && said.turn === turn.turn;
      return [
        key,
        turn.doubtedBefore === Number.POSITIVE_INFINITY && isOver
          ? { ...turn, doubtedBefore: said.doubtedBefore }
          : turn,
      ];
    }),
  );

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
    isDoubted: (source, table, offset) => offset < of(source, table).doubtedBefore,
    set: (source, { table, paused, turn }, offset) => {
      const last = of(source, table);
      // A watch that was stopped and goes on may append the mark of a turn that is over.
      if (turn < last.turn && (last.marked || (last.paused && !paused))) return;
      const doubtedBefore = paused ? last.doubtedBefore : offset;
      turns.set(tableKey(source, table), { paused, turn, marked: true, doubtedBefore });
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
