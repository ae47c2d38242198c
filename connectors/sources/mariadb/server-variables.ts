import type { Connection } from 'mariadb';
import { type ServerVariables, VARIABLES } from './binlog-findings.ts';

export const readVariables = async (connection: Connection): Promise<ServerVariables> => {
  const rows = await connection.query<{ Variable_name: string; Value: string }[]>(
    `show global variables where variable_name in (${VARIABLES.map(() => '?').join(', ')})`,
    [...VARIABLES],
  );
  return Object.fromEntries(rows.map((row) => [row.Variable_name.toLowerCase(), row.Value]));
};

/** The server's, not its log's: it does not change with RESET MASTER. Servers before 10.9 have only the number they were given. */
export const serverIdentity = ({ server_uid, server_id }: ServerVariables): string =>
  server_uid ?? `server-id:${server_id ?? '0'}`;
