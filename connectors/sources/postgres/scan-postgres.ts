/**
 * Rows of a Postgres table with the types that Debezium gives them (time.precision.mode=isostring, decimal.handling.mode=string),
 * so that a mapping makes the same document of either.
 */
import pg from 'pg';
import type { ColumnValue, Row } from '../../../schemas/config.ts';
import { FreshetError, toError } from '../../../schemas/errors.ts';
import type { RowScanner, ScannedRow } from '../row-scanner.ts';

const OID = {
  boolean: 16,
  bytes: 17,
  int8: 20,
  int2: 21,
  int4: 23,
  oid: 26,
  float4: 700,
  float8: 701,
  date: 1082,
  time: 1083,
  timestamp: 1114,
  timestamptz: 1184,
} as const;
const INFINITE = /infinity/;

const MOST_FRACTION_DIGITS = 6;

/** `2026-11-21 14:33:46.5+00` → `2026-11-21T14:33:46.500000Z`, as many digits as the column keeps; sessions here are in UTC. */
const zonedText = (text: string, modifier: number): string => {
  const [whole = '', fraction = ''] = text
    .replace(' ', 'T')
    .replace(/\+00(:00)?$/, '')
    .split('.');
  const digits = modifier < 0 ? MOST_FRACTION_DIGITS : modifier;
  return `${whole}${digits > 0 ? `.${fraction.padEnd(digits, '0')}` : ''}Z`;
};

/** A value as the server writes it → as a change carries it. Infinite times are left as text. */
export const captured = (text: string, type: number, modifier: number): ColumnValue => {
  switch (type) {
    case OID.boolean:
      return text === 't';
    case OID.int2:
    case OID.int4:
    case OID.float4:
    case OID.float8:
      return Number(text);
    case OID.int8:
    case OID.oid:
      return BigInt(text);
    case OID.bytes:
      return Buffer.from(text.slice(2), 'hex');
    case OID.date:
    case OID.time:
    case OID.timestamp:
      return INFINITE.test(text) ? text : `${text.replace(' ', 'T')}Z`;
    case OID.timestamptz:
      return INFINITE.test(text) ? text : zonedText(text, modifier);
    default:
      return text;
  }
};

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
const quotedTable = (table: string): string => table.split('.').map(quoted).join('.');
const asItComes = { getTypeParser: () => (text: string) => text };

export const openPostgresScan = (url: string): RowScanner => {
  const pool = new pg.Pool({
    connectionString: url,
    max: 1,
    connectionTimeoutMillis: 5_000,
    query_timeout: 60_000,
    application_name: 'freshet',
    options: '-c TimeZone=UTC -c DateStyle=ISO -c extra_float_digits=1 -c bytea_output=hex',
  });
  pool.on('error', () => undefined);
  const keys = new Map<string, readonly string[]>();

  const ask = async (text: string, values: readonly unknown[]): Promise<pg.QueryResult> => {
    try {
      return await pool.query({
        text,
        values: [...values],
        types: asItComes as unknown as pg.CustomTypesConfig,
      });
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
    const { rows } = await ask(
      `select a.attname as name from pg_index i
       join unnest(i.indkey) with ordinality as k(attnum, at) on true
       join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
       where i.indrelid = $1::regclass and i.indisprimary order by k.at`,
      [quotedTable(table)],
    );
    const columns = rows.map((row: { name: string }) => row.name);
    if (columns.length === 0)
      throw new FreshetError(
        'config-invalid',
        `the table ${table} has no primary key: it cannot be compared`,
      );
    keys.set(table, columns);
    return columns;
  };

  const scanned = (result: pg.QueryResult, columns: readonly string[]): readonly ScannedRow[] =>
    result.rows.map((held: Record<string, string | null>) => {
      const row: Record<string, ColumnValue> = {};
      for (const { name, dataTypeID, dataTypeModifier } of result.fields) {
        const text = held[name];
        row[name] = typeof text === 'string' ? captured(text, dataTypeID, dataTypeModifier) : null;
      }
      return { row: row as Row, key: Object.fromEntries(columns.map((name) => [name, row[name] as string])) };
    });

  const readOf = async (
    table: string,
    selected: string,
    wanted: readonly (readonly string[])[],
  ): Promise<readonly ScannedRow[]> => {
    if (wanted.length === 0) return [];
    const columns = await keyColumns(table);
    const values: string[] = [];
    const tests = wanted.map((key) => {
      const parts = columns.map((name, at) => `${quoted(name)} = $${values.push(key[at] ?? '')}`);
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
      const places = columns.map((_, at) => `$${at + 1}`).join(', ');
      const where = after ? `where (${names}) > (${places})` : '';
      const values = after ? columns.map((name) => String(after[name])) : [];
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
