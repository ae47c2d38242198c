import type { TableShape, TableShapes } from './source-kind.ts';

/** Columns as a database lists them, one at a time, by their tables. */
export const shapesOf = (
  columns: readonly {
    readonly table: string;
    readonly identity: string;
    readonly column: string;
    readonly type: string;
  }[],
): TableShapes => {
  const found = new Map<string, TableShape>();
  for (const { table, identity, column, type } of columns)
    found.set(table, { identity, columns: { ...found.get(table)?.columns, [column]: type } });
  return found;
};
