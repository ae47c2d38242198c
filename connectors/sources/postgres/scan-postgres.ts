/** Rows of a Postgres table as changes of them would carry them. */
import pg from 'pg';
import type { Row } from '../../../schemas/config.ts';
import { FreshetError, toError } from '../../../schemas/errors.ts';
import { keyOfRow, type RowScanner, type ScannedRow } from '../row-scanner.ts';
import { CAPTURED_SESSION, openCapturedRows } from './captured-rows.ts';
import { keyText } from './captured-value.ts';
import { quoted, quotedTable } from './quoted.ts';

export const openPostgresScan = (url: string): RowScanner => {
  const pool = new pg.Pool({
    connectionString: url,
    max: 1,
    connectionTimeoutMillis: 5_000,
    query_timeout: 60_000,
    application_name: 'freshet',
    options: CAPTURED_SESSION,
  });
  pool.on('error', () => undefined);
  const read = openCapturedRows(pool);
  const keys = new Map<string, readonly string[]>();
  /** Key columns whose values are bytes: in a key they stand as a change has them, in base64. */
  const bytes = new Map<string, ReadonlySet<string>>();

  const ask = async (text: string, values: readonly unknown[]): Promise<readonly Row[]> => {
    try {
      return await read(text, values);
    } catch (thrown) {
      const error = toError(thrown);
      throw new FreshetError('source-unavailable', `could not read from the source: ${error.message}`, {
        cause: error,
      });
    }
  };

  const keyColumns = async (table: string): Promise<readonly string[]> => {
    const known = keys.get(table);
    if (known) return known;
    const rows = await ask(
      `select a.attname as name, a.atttypid = 'bytea'::regtype as bytes from pg_index i
       join unnest(i.indkey) with ordinality as k(attnum, at) on true
       join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
       where i.indrelid = $1::regclass and i.indisprimary order by k.at`,
      [quotedTable(table)],
    );
    const columns = rows.map(({ name }) => String(name));
    if (columns.length === 0)
      throw new FreshetError(
        'config-invalid',
        `the table ${table} has no primary key: it cannot be compared`,
      );
    keys.set(table, columns);
    bytes.set(table, new Set(rows.filter((row) => row.bytes === true).map(({ name }) => String(name))));
    return columns;
  };

  const placeOf = (table: string, name: string, at: number): string =>
    bytes.get(table)?.has(name) ? `decode($${at}, 'base64')` : `$${at}`;

  const scanned = (rows: readonly Row[], columns: readonly string[]): readonly ScannedRow[] =>
    rows.map((row) => ({ row, key: keyOfRow(row, columns) }));

  const readOf = async (
    table: string,
    selected: string,
    wanted: readonly (readonly string[])[],
  ): Promise<readonly ScannedRow[]> => {
    if (wanted.length === 0) return [];
    const columns = await keyColumns(table);
    const values: string[] = [];
    const tests = wanted.map((key) => {
      const parts = columns.map(
        (name, at) => `${quoted(name)} = ${placeOf(table, name, values.push(keyText(key[at] ?? '')))}`,
      );
      return `(${parts.join(' and ')})`;
    });
    return scanned(
      await ask(`select ${selected} from ${quotedTable(table)} where ${tests.join(' or ')}`, values),
      columns,
    );
  };

  return {
    keyColumns,
    page: async (table, after, limit) => {
      const columns = await keyColumns(table);
      const names = columns.map(quoted).join(', ');
      const places = columns.map((name, at) => placeOf(table, name, at + 1)).join(', ');
      const where = after ? `where (${names}) > (${places})` : '';
      const values = after ? columns.map((name) => keyText(after[name] ?? null)) : [];
      return scanned(
        await ask(`select * from ${quotedTable(table)} ${where} order by ${names} limit ${limit}`, values),
        columns,
      );
    },
    rows: (table, wanted) => readOf(table, '*', wanted),
    keys: async (table, wanted) => {
      const names = (await keyColumns(table)).map(quoted).join(', ');
      return (await readOf(table, names, wanted)).map(({ key }) => key);
    },
    close: () => pool.end(),
  };
};
