import { type Connection, createConnection } from 'mariadb';
import { FreshetError, toError } from '../../../schemas/errors.ts';
import { urlInvalid } from '../url-invalid.ts';

export interface MariaDbAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** Empty where the URL names none. */
  readonly database: string;
  /** How the connection is encrypted, as Debezium names it. */
  readonly tls: 'disable' | 'trust' | 'verify-ca' | 'verify-full';
}

const TLS = ['disable', 'trust', 'verify-ca', 'verify-full'] as const;

/** Reads mysql://user:password@host:port/database?tls=trust, or the same with mariadb://. Errors: `config-invalid`. */
export const mariadbAddress = (text: string, source?: string): MariaDbAddress => {
  try {
    const url = new URL(text);
    const tls = TLS.find((mode) => mode === (url.searchParams.get('tls') ?? 'disable'));
    if (
      !/^(?:mysql|mariadb):$/.test(url.protocol) ||
      url.hostname === '' ||
      tls === undefined ||
      /^\/.*[/@]/.test(url.pathname)
    )
      throw new TypeError('not a database');
    return {
      host: url.hostname,
      port: Number(url.port || '3306'),
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
      database: decodeURIComponent(url.pathname.slice(1)),
      tls,
    };
  } catch {
    const form =
      'mysql://user:password@host:port/database, with ?tls=trust, verify-ca or verify-full for an encrypted connection';
    throw urlInvalid('MariaDB', form, source);
  }
};

const CONNECT_MS = 5_000;

/** Opens a connection; integers of 64 bits come as bigint, decimals and times as text. Errors: `source-unavailable`. */
export const connectMariaDb = async (url: string): Promise<Connection> => {
  const { host, port, user, password, database, tls } = mariadbAddress(url);
  try {
    const connection = await createConnection({
      ...{ host, port, user, password },
      ...(database === '' ? {} : { database }),
      connectTimeout: CONNECT_MS,
      dateStrings: true,
      ...(tls === 'disable' ? {} : { ssl: { rejectUnauthorized: tls !== 'trust' } }),
    });
    // One that breaks later is found out by the next query.
    connection.on('error', () => undefined);
    return connection;
  } catch (thrown) {
    throw unavailable(thrown);
  }
};

/** A question waits no longer than this for a server that took it and does not answer. */
export const ASK_MS = 10_000;
/** Several of them, one behind the other. */
const ACTION_MS = 30_000;

/** The connection is given up where it takes longer: what the server still says of it nobody reads. Errors: `source-unavailable`. */
export const withinTime = async <T>(
  connection: Connection,
  withinMs: number,
  action: (connection: Connection) => Promise<T>,
): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(
        new FreshetError(
          'source-unavailable',
          `the source database does not answer within ${withinMs / 1_000} s`,
        ),
      );
      connection.destroy();
    }, withinMs);
  });
  try {
    return await Promise.race([action(connection), late]);
  } finally {
    clearTimeout(timer);
  }
};

/** The driver's messages carry the query and connection details after their first line. */
export const unavailable = (thrown: unknown): FreshetError => {
  if (thrown instanceof FreshetError) return thrown;
  const error = toError(thrown);
  return new FreshetError(
    'source-unavailable',
    `the source database does not answer: ${error.message.split('\n')[0]}`,
    { cause: error },
  );
};

/** A connection for the length of an action. Errors: `source-unavailable`, and what the action throws of its own. */
export const withMariaDb = async <T>(
  url: string,
  action: (connection: Connection) => Promise<T>,
): Promise<T> => {
  const connection = await connectMariaDb(url);
  try {
    return await withinTime(connection, ACTION_MS, action);
  } catch (thrown) {
    throw unavailable(thrown);
  } finally {
    await connection.end().catch(() => undefined);
  }
};
