import pg from 'pg';
import { FreshetError, toError } from '../../../schemas/errors.ts';
import { postgresAddress } from './postgres-address.ts';

/**
 * Does something on a connection of its own. Errors: `config-invalid` for a URL of another form, otherwise `source-unavailable`, whatever
 * the reason.
 */
export const askPostgres = async <T>(url: string, ask: (client: pg.Client) => Promise<T>): Promise<T> => {
  postgresAddress(url);
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 3_000,
    query_timeout: 10_000,
    application_name: 'freshet',
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await ask(client);
  } catch (thrown) {
    if (thrown instanceof FreshetError) throw thrown;
    const error = toError(thrown);
    throw new FreshetError('source-unavailable', `the source database does not answer: ${error.message}`, {
      cause: error,
    });
  } finally {
    await client.end().catch(() => undefined);
  }
};
