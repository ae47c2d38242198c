import { FreshetError, toError } from '../../../schemas/errors.ts';
import type { RowReader } from '../row-reader.ts';
import { openMariaDbSession } from './mariadb-session.ts';
import { quoted, quotedTable } from './quoted.ts';

/** No such table or column; table or column not to be read by this user. */
const NAMES_AND_RIGHTS: ReadonlySet<number> = new Set([1146, 1054, 1142, 1143]);

/** Rows as text. MariaDB never leaves a value out of a change, so this is asked only by what compares source and index. */
export const openMariaDbRows = (url: string): RowReader => {
  const session = openMariaDbSession(url);
  return {
    read: async (table, key) => {
      const keyColumns = Object.keys(key);
      const where = keyColumns.map((name) => `${quoted(name)} = ?`).join(' and ');
      try {
        const rows = await session.ask((connection) =>
          connection.query<Record<string, string | null>[]>(
            {
              sql: `select * from ${quotedTable(table)} where ${where}`,
              typeCast: (column) => column.string(),
            },
            keyColumns.map((name) => String(key[name])),
          ),
        );
        return rows[0];
      } catch (thrown) {
        const error = toError(thrown);
        const { errno = 0 } = error as { readonly errno?: number };
        throw new FreshetError(
          NAMES_AND_RIGHTS.has(errno) ? 'table-unreadable' : 'source-unavailable',
          `could not read a row of ${table} from the source: ${error.message.split('\n')[0]}`,
          { cause: error },
        );
      }
    },
    close: () => session.close(),
  };
};
