import pg from 'pg';
import { FreshetError, toError } from '../../../schemas/errors.ts';

/**
 * The end of the log, as an LSN: what was committed before is at or below it, and asynchronous commits (`synchronous_commit = off`)
 * too, which may not be written yet. What is logged next, such as the next heartbeat, ends above it. Errors: `source-unavailable`.
 */
export const readCurrentLsn = async (url: string): Promise<string> => {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 3_000,
    query_timeout: 5_000,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn');
    return rows[0]?.lsn ?? '0/0';
  } catch (thrown) {
    const error = toError(thrown);
    throw new FreshetError('source-unavailable', `the source database does not answer: ${error.message}`, {
      cause: error,
    });
  } finally {
    await client.end().catch(() => undefined);
  }
};
