import { withMariaDb } from './mariadb-connection.ts';

/** The end of the binlog as file:offset: what was committed before lies below it. Errors: `source-unavailable`. */
export const readBinlogPosition = (url: string): Promise<string> =>
  withMariaDb(url, async (connection) => {
    const rows = await connection.query<{ File: string; Position: bigint }[]>('show master status');
    const [end] = rows;
    return end ? `${end.File}:${end.Position}` : '';
  });
