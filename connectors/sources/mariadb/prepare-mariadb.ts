import type { Connection } from 'mariadb';
import { FreshetError } from '../../../schemas/errors.ts';
import type { PreparedSource } from '../source-kind.ts';
import { binlogFindings } from './binlog-findings.ts';
import { mariadbAddress, withMariaDb } from './mariadb-connection.ts';
import { readVariables, serverIdentity } from './server-variables.ts';
import { makeProbeTable, makeSignalTable } from './signal-mariadb.ts';

/**
 * Makes a MariaDB database ready for capture: looks that its binlog holds whole rows and that the tables have a primary key,
 * and makes the table of signals. May be run any number of times.
 * @throws FreshetError `source-unavailable`, or `config-invalid` with what to change
 */
export const prepareMariaDb = async (options: {
  readonly source: string;
  readonly url: string;
  readonly tables: readonly string[];
}): Promise<PreparedSource> => {
  mariadbAddress(options.url, options.source);
  return withMariaDb(options.url, async (connection) => {
    const variables = await readVariables(connection);
    const wrong = binlogFindings(variables).find(({ ok }) => !ok);
    if (wrong)
      throw new FreshetError(
        'config-invalid',
        `The source ${options.source} cannot be captured: ${wrong.said}. Change it: ${wrong.change ?? ''}`,
      );
    await checkTables(connection, options.tables);
    await makeSignalTable(connection, options.source);
    await makeProbeTable(connection, options.source);
    return { identity: serverIdentity(variables), resumes: true };
  });
};

const checkTables = async (connection: Connection, tables: readonly string[]): Promise<void> => {
  for (const table of tables) {
    const [schema = '', name = ''] = table.split('.');
    const [found] = await connection.query<{ keyed: bigint }[]>(
      `select exists (select 1 from information_schema.statistics s
                       where s.table_schema = t.table_schema and s.table_name = t.table_name and s.index_name = 'PRIMARY') as keyed
         from information_schema.tables t
        where t.table_type = 'BASE TABLE' and t.table_schema = ? and t.table_name = ?`,
      [schema, name],
    );
    if (!found)
      throw new FreshetError(
        'config-invalid',
        `The table ${table} does not exist, or this user may not see it: correct its name in the configuration (database.table), or GRANT SELECT on it.`,
      );
    if (Number(found.keyed) === 0)
      throw new FreshetError(
        'config-invalid',
        `The table ${table} has no primary key, so its rows can't be told apart: add one.`,
      );
  }
};
