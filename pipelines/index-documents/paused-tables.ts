/** Which tables are paused, within one batch: what it decides counts once it is done, and not before. Pure. */

export interface FoundPause {
  readonly source: string;
  readonly table: string;
  readonly reason: string;
}

export interface PausedTables {
  isPaused(source: string, table: string): boolean;
  set(source: string, table: string, paused: boolean): void;
  /** A row lacks columns that the table's mapping reads: paused from here on, and asked for. */
  find(source: string, table: string, missing: readonly string[]): void;
  /** Its changes are not what its rows should become: paused from here on, and asked for. */
  pause(source: string, table: string, reason: string): void;
  found(): readonly FoundPause[];
  after(): ReadonlySet<string>;
}

export const pausedKey = (source: string, table: string): string => `${source}/${table}`;

export const pausedTables = (before: ReadonlySet<string>): PausedTables => {
  const paused = new Set(before);
  const found: FoundPause[] = [];
  return {
    isPaused: (source, table) => paused.has(pausedKey(source, table)),
    set: (source, table, on) => {
      if (on) paused.add(pausedKey(source, table));
      else paused.delete(pausedKey(source, table));
    },
    pause: (source, table, reason) => {
      paused.add(pausedKey(source, table));
      found.push({ source, table, reason });
    },
    find: (source, table, missing) => {
      paused.add(pausedKey(source, table));
      const columns = missing.length === 1 ? `column ${missing[0]}` : `columns ${missing.join(', ')}`;
      found.push({ source, table, reason: `its mapping reads the ${columns}, which its rows do not have` });
    },
    found: () => found,
    after: () => paused,
  };
};
