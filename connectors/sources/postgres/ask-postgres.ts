import pg from 'pg';
import { FreshetError, toError } from '../../../schemas/errors.ts';
import { postgresAddress } from './postgres-address.ts';

type Ask<T> = (client: pg.ClientBase) => Promise<T>;

const settingsOf = (url: string): pg.ClientConfig => ({
  connectionString: url,
  connectionTimeoutMillis: 3_000,
  query_timeout: 10_000,
  application_name: 'freshet',
});

const asked = async <T>(url: string, act: () => Promise<T>): Promise<T> => {
  postgresAddress(url);
  try {
    return await act();
  } catch (thrown) {
    if (thrown instanceof FreshetError) throw thrown;
    const error = toError(thrown);
    throw new FreshetError('source-unavailable', `the source database does not answer: ${error.message}`, {
      cause: error,
    });
  }
};

/**
 * Does something on a connection of its own. Errors: `config-invalid` for a URL of another form, otherwise `source-unavailable`, whatever
 * the reason.
 */
export const askPostgres = <T>(url: string, ask: Ask<T>): Promise<T> =>
  asked(url, async () => {
    const client = new pg.Client(settingsOf(url));
    client.on('error', () => undefined);
    try {
      await client.connect();
      return await ask(client);
    } finally {
      await client.end().catch(() => undefined);
    }
  });

const IDLE_MS = 5_000;
/** Behind the same name another server may answer by then. */
const KEPT_SECONDS = 30;
/** By URL: of those that are configured. */
const pools = new Map<string, pg.Pool>();

const poolOf = (url: string): pg.Pool => {
  const known = pools.get(url);
  if (known) return known;
  const pool = new pg.Pool({
    ...settingsOf(url),
    ...{ max: 2, idleTimeoutMillis: IDLE_MS, maxLifetimeSeconds: KEPT_SECONDS, allowExitOnIdle: true },
  });
  // One that breaks while it is idle is gone, and no more than that.
  pool.on('error', () => undefined);
  pools.set(url, pool);
  return pool;
};

/**
 * As askPostgres, for what is read every second or so: a connection is a process of the server, which takes it longer to begin than to
 * answer, so one is kept for the next question. What is asked leaves nothing behind in its session.
 */
export const askPostgresOften = <T>(url: string, ask: Ask<T>): Promise<T> =>
  asked(url, async () => {
    const client = await poolOf(url).connect();
    let isSound = false;
    try {
      const answer = await ask(client);
      isSound = true;
      return answer;
    } finally {
      client.release(!isSound);
    }
  });
