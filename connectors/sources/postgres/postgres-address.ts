import { urlInvalid } from '../url-invalid.ts';

export interface PostgresAddress {
  readonly hostname: string;
  readonly port: string;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

/**
 * Reads postgres://user:password@host:port/database. The driver takes more than that, but every part has to be told to Debezium.
 * Errors: `config-invalid`, which names the source where it is known.
 */
export const postgresAddress = (text: string, source?: string): PostgresAddress => {
  try {
    const url = new URL(text);
    const { hostname, pathname } = url;
    // What follows a password's own slash is read as the database.
    if (!/^postgres(ql)?:$/.test(url.protocol) || hostname === '' || !/^\/[^/@]+$/.test(pathname))
      throw new TypeError('not a database');
    return {
      hostname,
      port: url.port || '5432',
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
      database: decodeURIComponent(pathname.slice(1)),
    };
  } catch {
    throw urlInvalid('Postgres', 'postgres://user:password@host:port/database', source);
  }
};
