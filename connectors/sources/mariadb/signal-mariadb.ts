import type { Connection } from 'mariadb';
import { probeTable } from '../../../schemas/probe.ts';
import { SNAPSHOT_MARK, type SourceSignal } from '../source-kind.ts';
import { withMariaDb } from './mariadb-connection.ts';

const DATABASE = 'freshet';

/** One table a source: two sources on one server don't carry out each other's signals. */
export const signalTable = (source: string): string => `${DATABASE}.signals_${source.replaceAll('-', '_')}`;

/** Asked first, for a user who may not create it can still write to one that was made for him. */
const makeTable = async (connection: Connection, table: string, columns: string): Promise<void> => {
  const found = await connection.query<unknown[]>(
    'select 1 from information_schema.tables where table_schema = ? and table_name = ?',
    table.split('.'),
  );
  if (found.length > 0) return;
  await connection.query(`create database if not exists ${DATABASE}`);
  await connection.query(`create table if not exists ${table} (${columns})`);
};

/** The signal table with the row that every snapshot reads. The columns are Debezium's. */
export const makeSignalTable = async (connection: Connection, source: string): Promise<void> => {
  const table = signalTable(source);
  await makeTable(connection, table, 'id varchar(64) primary key, type varchar(32) not null, data text');
  await connection.query(`insert ignore into ${table} values (?, 'freshet', '')`, [SNAPSHOT_MARK]);
};

/** The table of probe rows, beside that of signals: empty until one is written. */
export const makeProbeTable = (connection: Connection, source: string): Promise<void> =>
  makeTable(connection, probeTable(source), 'id int primary key, tick bigint not null');

/** False where the signal stood there already. Errors: `source-unavailable`. */
export const signalMariaDb = (
  { source, url }: { readonly source: string; readonly url: string },
  { id, type, data }: SourceSignal,
): Promise<boolean> =>
  withMariaDb(url, async (connection) => {
    const table = signalTable(source);
    const { affectedRows } = await connection.query<{ affectedRows: number }>(
      `insert ignore into ${table} values (?, ?, ?)`,
      [id, type, data],
    );
    await connection.query(`delete from ${table} where id not in (?, ?)`, [SNAPSHOT_MARK, id]);
    return affectedRows === 1;
  });

/** Errors: `source-unavailable`. */
export const mariadbHasRows = ({ url }: { readonly url: string }, table: string): Promise<boolean> =>
  withMariaDb(url, async (connection) => {
    const name = table
      .split('.')
      .map((part) => connection.escapeId(part))
      .join('.');
    return (await connection.query<unknown[]>(`select 1 from ${name} limit 1`)).length > 0;
  });
