/** Rows of a MariaDB table as changes of them would carry them. */
import type { Connection } from 'mariadb';
import type { ColumnValue, Row } from '../../../schemas/config.ts';
import { FreshetError } from '../../../schemas/errors.ts';
import { keyOfRow, type RowScanner, type ScannedRow } from '../row-scanner.ts';
import { capturedValue, isBytes, type ScannedColumn } from './captured-value.ts';
import { unavailable } from './mariadb-connection.ts';
import { openMariaDbSession } from './mariadb-session.ts';
import { quoted, quotedTable } from './quoted.ts';

interface TableShape {
  readonly columns: readonly ScannedColumn[];
  readonly key: readonly string[];
}

const SHAPE = `
  select c.column_name as name, c.data_type as type, c.column_type as full, k.seq_in_index as place
    from information_schema.columns c
    left join information_schema.statistics k
      on k.table_schema = c.table_schema and k.table_name = c.table_name and k.index_name = 'PRIMARY' and k.column_name = c.column_name
   where c.table_schema = ? and c.table_name = ? order by c.ordinal_position`;

/** Of a FLOAT the server writes six digits as text; as a double it writes all that it has. */
const selected = ({ name, type }: ScannedColumn): string =>
  type === 'float' ? `cast(${quoted(name)} as double) as ${quoted(name)}` : quoted(name);

const WHOLE = /int$/;

const SCAN_MS = 60_000;

export const openMariaDbScan = (url: string): RowScanner => {
  const session = openMariaDbSession(url, SCAN_MS);
  const shapes = new Map<string, TableShape>();

  const ask = <T>(action: (connection: Connection) => Promise<T>): Promise<T> =>
    session.ask(action).catch((thrown: unknown) => {
      throw unavailable(thrown);
    });

  const shapeOf = async (table: string): Promise<TableShape> => {
    const known = shapes.get(table);
    if (known) return known;
    const found = await ask((connection) =>
      connection.query<(ScannedColumn & { readonly place: bigint | null })[]>(SHAPE, table.split('.')),
    );
    const key = found
      .filter(({ place }) => place !== null)
      .sort((a, b) => Number(a.place) - Number(b.place))
      .map(({ name }) => name);
    if (key.length === 0)
      throw new FreshetError(
        'config-invalid',
        `the table ${table} has no primary key: it cannot be compared`,
      );
    const shape = { columns: found, key };
    shapes.set(table, shape);
    return shape;
  };

  /** As the column's type: a number that is compared as text is compared inexactly, and bytes are in a key as a change has them. */
  const keyValue = ({ columns }: TableShape, name: string, text: string): string | bigint | Buffer => {
    const column = columns.find((each) => each.name === name);
    if (!column) return text;
    if (isBytes(column)) return Buffer.from(text, 'base64');
    return WHOLE.test(column.type) ? BigInt(text) : text;
  };

  const read = async (
    table: string,
    { columns: all, key }: TableShape,
    /** All of them, or those of the key alone. */
    what: 'rows' | 'keys',
    condition: string,
    values: readonly (string | bigint | Buffer)[],
  ): Promise<readonly ScannedRow[]> => {
    const columns = what === 'rows' ? all : all.filter(({ name }) => key.includes(name));
    const rows = await ask(async (connection) => {
      await connection.query(`set time_zone = '+00:00'`);
      return connection.query<Record<string, string | Buffer | null>[]>(
        {
          sql: `select ${columns.map(selected).join(', ')} from ${quotedTable(table)} ${condition}`,
          typeCast: (column) => {
            const of = columns.find(({ name }) => name === column.name());
            return of && isBytes(of) ? column.buffer() : column.string();
          },
        },
        [...values],
      );
    });
    return rows.map((held) => {
      const row: Record<string, ColumnValue> = {};
      for (const column of columns) {
        const value = held[column.name] ?? null;
        row[column.name] = value === null ? null : capturedValue(value, column);
      }
      return { row: row as Row, key: keyOfRow(row as Row, key) };
    });
  };

  const readOf = async (
    table: string,
    what: 'rows' | 'keys',
    wanted: readonly (readonly string[])[],
  ): Promise<readonly ScannedRow[]> => {
    if (wanted.length === 0) return [];
    const shape = await shapeOf(table);
    const values: (string | bigint | Buffer)[] = [];
    const tests = wanted.map((key) => {
      const parts = shape.key.map((name, at) => {
        values.push(keyValue(shape, name, key[at] ?? ''));
        return `${quoted(name)} = ?`;
      });
      return `(${parts.join(' and ')})`;
    });
    return read(table, shape, what, `where ${tests.join(' or ')}`, values);
  };

  return {
    keyColumns: async (table) => (await shapeOf(table)).key,
    page: async (table, after, limit) => {
      const shape = await shapeOf(table);
      const order = `order by ${shape.key.map(quoted).join(', ')} limit ${limit}`;
      if (!after) return read(table, shape, 'rows', order, []);
      const values: (string | bigint | Buffer)[] = [];
      const value = (name: string): string => {
        values.push(keyValue(shape, name, String(after[name])));
        return '?';
      };
      // (a, b) > (x, y), written out: in that form no index is used.
      const beyond = shape.key.map((name, at) =>
        [
          ...shape.key.slice(0, at).map((before) => `${quoted(before)} = ${value(before)}`),
          `${quoted(name)} > ${value(name)}`,
        ].join(' and '),
      );
      return read(
        table,
        shape,
        'rows',
        `where ${beyond.map((each) => `(${each})`).join(' or ')} ${order}`,
        values,
      );
    },
    rows: (table, wanted) => readOf(table, 'rows', wanted),
    keys: async (table, wanted) => (await readOf(table, 'keys', wanted)).map(({ key }) => key),
    close: () => session.close(),
  };
};
