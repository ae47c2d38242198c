/** Reads single rows as they are now: for what an update left out because it left it alone (TOAST, rule G). */
import pg from 'pg';
import type { KeyValue } from '../../../schemas/document-id.ts';
import { FreshetError, toError } from '../../../schemas/errors.ts';
import type { RowReader } from '../row-reader.ts';
import { CAPTURED_SESSION, openCapturedRows } from './captured-rows.ts';
import { keyText } from './captured-value.ts';
import { quoted, quotedTable } from './quoted.ts';

/**
 * SQLSTATE class 42: a table or column that is not there, or that this user may not read. Class 22: a key that a column of today's type
 * cannot hold.
 */
const ASKING_AGAIN_IS_NO_USE = /^(?:22|42)/;

const NO_BYTES: ReadonlySet<string> = new Set();
const BYTES = `select attname as name from pg_attribute where attrelid = $1::regclass and atttypid = 'bytea'::regtype`;

/** One query for a row: identifiers quoted, values passed apart and typed by the server, so that the primary key's index serves it. */
export const rowQuery = (
  table: string,
  key: Readonly<Record<string, KeyValue>>,
  /** Columns of the key that hold bytes: a change's key has them in base64. */
  bytes: ReadonlySet<string> = NO_BYTES,
): { readonly text: string; readonly values: readonly string[] } => {
  const keyColumns = Object.keys(key);
  const place = (column: string, at: number): string =>
    bytes.has(column) ? `decode($${at + 1}, 'base64')` : `$${at + 1}`;
  const where = keyColumns.map((column, at) => `${quoted(column)} = ${place(column, at)}`).join(' and ');
  const from = quotedTable(table);
  return {
    text: `select * from ${from} where ${where}`,
    values: keyColumns.map((column) => keyText(key[column] ?? null)),
  };
};

export const openPostgresRows = (url: string): RowReader => {
  const pool = new pg.Pool({
    connectionString: url,
    max: 2,
    connectionTimeoutMillis: 5_000,
    query_timeout: 10_000,
    idleTimeoutMillis: 30_000,
    application_name: 'freshet',
    options: CAPTURED_SESSION,
  });
  const readRows = openCapturedRows(pool);
  // An idle connection that breaks is replaced by the next read.
  pool.on('error', () => undefined);
  const bytes = new Map<string, ReadonlySet<string>>();
  const bytesOf = async (table: string): Promise<ReadonlySet<string>> => {
    const known =
      bytes.get(table) ??
      new Set((await readRows(BYTES, [quotedTable(table)])).map(({ name }) => String(name)));
    bytes.set(table, known);
    return known;
  };
  return {
    read: async (table, key) => {
      try {
        const query = rowQuery(table, key, await bytesOf(table));
        const [row] = await readRows(query.text, query.values);
        return row;
      } catch (thrown) {
        const error = toError(thrown);
        const { code = '' } = error as { readonly code?: string };
        throw new FreshetError(
          ASKING_AGAIN_IS_NO_USE.test(code) ? 'table-unreadable' : 'source-unavailable',
          `could not read a row of ${table} from the source: ${error.message}`,
          { cause: error },
        );
      }
    },
    close: () => pool.end(),
  };
};
