import type { TableShape, TableShapes } from '../source-kind.ts';
import { withMariaDb } from './mariadb-connection.ts';

const COLUMNS = `
  select concat(table_schema, '.', table_name) as tableName, column_name as columnName, data_type as type
    from information_schema.columns where concat(table_schema, '.', table_name) in (?)`;

/**
 * Lengths and precisions are left out: a text that may be longer is the same text. No identity: what MariaDB says of a table
 * (its id, its time of creation) is another after every OPTIMIZE and many an ALTER. Errors: `source-unavailable`.
 */
export const mariadbShapes = async (
  { url }: { readonly url: string },
  tables: readonly string[],
): Promise<TableShapes> => {
  const rows = await withMariaDb(url, (connection) =>
    connection.query<{ tableName: string; columnName: string; type: string }[]>(COLUMNS, [tables]),
  );
  const found = new Map<string, TableShape>();
  for (const { tableName, columnName, type } of rows)
    found.set(tableName, {
      identity: '',
      columns: { ...found.get(tableName)?.columns, [columnName]: type },
    });
  return found;
};
