import type { TableColumns } from '../source-kind.ts';
import { withMariaDb } from './mariadb-connection.ts';

const COLUMNS = `
  select concat(table_schema, '.', table_name) as tableName, column_name as columnName, data_type as type
    from information_schema.columns where concat(table_schema, '.', table_name) in (?)`;

/** Lengths and precisions are left out: a text that may be longer is the same text. Errors: `source-unavailable`. */
export const mariadbColumns = async (
  { url }: { readonly url: string },
  tables: readonly string[],
): Promise<TableColumns> => {
  const rows = await withMariaDb(url, (connection) =>
    connection.query<{ tableName: string; columnName: string; type: string }[]>(COLUMNS, [tables]),
  );
  const found = new Map<string, Record<string, string>>();
  for (const { tableName, columnName, type } of rows) {
    const columns = found.get(tableName) ?? {};
    columns[columnName] = type;
    found.set(tableName, columns);
  }
  return found;
};
