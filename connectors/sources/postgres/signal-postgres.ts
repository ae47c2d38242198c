import type { Client } from 'pg';
import { probeTable } from '../../../schemas/probe.ts';
import { SNAPSHOT_MARK, type SourceSignal } from '../source-kind.ts';
import { askPostgres } from './ask-postgres.ts';

const SCHEMA = 'freshet';

/** One table a source: two sources in one database don't carry out each other's signals. */
export const signalTable = (source: string): string => `${SCHEMA}.signals_${source.replaceAll('-', '_')}`;

/** The signal table with the row that every snapshot reads. The columns are Debezium's. */
export const makeSignalTable = async (client: Client, source: string): Promise<void> => {
  const table = signalTable(source);
  const { rows } = await client.query('SELECT to_regclass($1) AS found', [table]);
  if (rows[0]?.found === null) {
    await client.query(`CREATE SCHEMA IF NOT EXISTS ${SCHEMA}`);
    await client.query(
      `CREATE TABLE IF NOT EXISTS ${table} (id varchar(64) PRIMARY KEY, type varchar(32) NOT NULL, data text)`,
    );
  }
  await client.query(`INSERT INTO ${table} VALUES ($1, 'freshet', '') ON CONFLICT DO NOTHING`, [
    SNAPSHOT_MARK,
  ]);
};

/** The table of probe rows, in the same schema: empty until one is written. */
export const makeProbeTable = async (client: Client, source: string): Promise<void> => {
  const table = probeTable(source);
  const { rows } = await client.query('SELECT to_regclass($1) AS found', [table]);
  if (rows[0]?.found === null)
    await client.query(`CREATE TABLE IF NOT EXISTS ${table} (id int PRIMARY KEY, tick bigint NOT NULL)`);
};

/** False where the signal stood there already. Errors: `source-unavailable`. */
export const signalPostgres = (
  { source, url }: { readonly source: string; readonly url: string },
  { id, type, data }: SourceSignal,
): Promise<boolean> =>
  askPostgres(url, async (client) => {
    const table = signalTable(source);
    const { rowCount } = await client.query(
      `INSERT INTO ${table} VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
      [id, type, data],
    );
    await client.query(`DELETE FROM ${table} WHERE id NOT IN ($1, $2)`, [SNAPSHOT_MARK, id]);
    return rowCount === 1;
  });

/** Errors: `source-unavailable`. */
export const postgresHasRows = ({ url }: { readonly url: string }, table: string): Promise<boolean> =>
  askPostgres(url, async (client) => {
    const name = table
      .split('.')
      .map((part) => client.escapeIdentifier(part))
      .join('.');
    return (await client.query(`SELECT 1 FROM ${name} LIMIT 1`)).rows.length > 0;
  });
