import type { TableShapes } from '../source-kind.ts';
import { shapesOf } from '../table-shapes.ts';
import { withMariaDb } from './mariadb-connection.ts';

const COLUMNS = `
  select concat(c.table_schema, '.', c.table_name) as tableName, c.column_name as columnName, c.data_type as type,
         k.seq_in_index as place
    from information_schema.columns c
    left join information_schema.statistics k
      on k.table_schema = c.table_schema and k.table_name = c.table_name and k.index_name = 'PRIMARY' and k.column_name = c.column_name
    join information_schema.tables t on t.table_schema = c.table_schema and t.table_name = c.table_name
   where t.table_type = 'BASE TABLE' and concat(c.table_schema, '.', c.table_name) in (?)
     and exists (select 1 from information_schema.statistics s
                  where s.table_schema = c.table_schema and s.table_name = c.table_name and s.index_name = 'PRIMARY')`;

/**
 * Of tables that can be captured. Lengths and precisions are left out: a text that may be longer is the same text. Known by their keys alone:
 * what MariaDB says of a table (its id, its time of creation) is another after every OPTIMIZE and many an ALTER. Errors:
 * `source-unavailable`.
 */
export const mariadbShapes = async (
  { url }: { readonly url: string },
  tables: readonly string[],
): Promise<TableShapes> => {
  const rows = await withMariaDb(url, (connection) =>
    connection.query<{ tableName: string; columnName: string; type: string; place: bigint | null }[]>(
      COLUMNS,
      [tables],
    ),
  );
  return shapesOf(
    rows.map(({ tableName, columnName, type, place }) => ({
      ...{ table: tableName, column: columnName, type, identity: '' },
      place: place === null ? null : Number(place),
    })),
  );
};
