import { Client } from 'pg';
import { FreshetError, toError } from '../../../schemas/errors.ts';
import { probeTable } from '../../../schemas/probe.ts';
import { sourceNames } from '../../debezium/connector-config.ts';
import { postgresAddress } from './postgres-address.ts';
import { identityTrouble, REPLICA_IDENTITIES, type ReplicaIdentity } from './replica-identity.ts';
import { serverFinding } from './server-finding.ts';
import { makeProbeTable, makeSignalTable, signalTable } from './signal-postgres.ts';

export type PreparedPostgres = {
  readonly publication: string;
  readonly slot: string;
  /** Tells this database cluster from every other one. */
  readonly systemIdentifier: string;
  /** Whether the connector's replication slot is there already. */
  readonly slotExists: boolean;
};

/** An `ALTER PUBLICATION` waits for locks of others. */
const QUERY_WITHIN_MS = 30_000;

/**
 * Makes a Postgres database ready for capture: looks that it is new enough and decodes its log, that the tables exist with a primary key
 * that names their rows, and that the publication holds exactly these tables. May be run any number of times.
 * @throws FreshetError `source-unavailable`, or `config-invalid` with what to change
 */
export const preparePostgres = async (options: {
  /** postgres://user:password@host:port/database */
  readonly url: string;
  readonly source: string;
  /** schema.table */
  readonly tables: readonly string[];
}): Promise<PreparedPostgres> => {
  postgresAddress(options.url, options.source);
  const client = new Client({
    connectionString: options.url,
    connectionTimeoutMillis: 10_000,
    // The watch of the source waits for this: a question that nobody answers is asked again with its next look.
    query_timeout: QUERY_WITHIN_MS,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await checkServer(client, options.source);
    await checkLogLevel(client, options.source);
    await checkTables(client, options.tables);
    const { publication, slot } = sourceNames(options.source);
    await makeSignalTable(client, options.source);
    await makeProbeTable(client, options.source);
    await publish(client, publication, [
      ...options.tables,
      signalTable(options.source),
      probeTable(options.source),
    ]);
    const identity = await client.query<{ id: string }>(
      'SELECT system_identifier::text AS id FROM pg_control_system()',
    );
    const slots = await client.query('SELECT 1 FROM pg_replication_slots WHERE slot_name = $1', [slot]);
    return {
      publication,
      slot,
      systemIdentifier: identity.rows[0]?.id ?? '',
      slotExists: slots.rows.length > 0,
    };
  } catch (thrown) {
    if (thrown instanceof FreshetError) throw thrown;
    throw new FreshetError(
      'source-unavailable',
      `The source ${options.source} could not be prepared (${toError(thrown).message}): check that its database runs and that the user may create publications and the schema freshet.`,
      { cause: thrown },
    );
  } finally {
    await client.end().catch(() => undefined);
  }
};

const checkServer = async (client: Client, source: string): Promise<void> => {
  const { rows } = await client.query<{ version: string; number: number }>(
    `SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS number`,
  );
  const { ok, said, change } = serverFinding(rows[0]?.version ?? 'unknown', rows[0]?.number ?? 0);
  if (!ok)
    throw new FreshetError(
      'config-invalid',
      `The source ${source} cannot be captured: ${said}. Change it: ${change}.`,
    );
};

const checkLogLevel = async (client: Client, source: string): Promise<void> => {
  const { rows } = await client.query<{ wal_level: string }>('SHOW wal_level');
  const level = rows[0]?.wal_level;
  if (level === 'logical') return;
  throw new FreshetError(
    'config-invalid',
    `The source ${source} has wal_level = ${level ?? 'unknown'}: set wal_level = logical in its Postgres and restart it.`,
  );
};

const checkTables = async (client: Client, tables: readonly string[]): Promise<void> => {
  const { rows } = await client.query<{
    name: string;
    keyed: boolean;
    identities: readonly ReplicaIdentity[];
  }>(
    `SELECT n.nspname || '.' || c.relname AS name,
            EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary) AS keyed,
            ${REPLICA_IDENTITIES} AS identities
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p') AND n.nspname || '.' || c.relname = ANY($1)`,
    [tables],
  );
  for (const table of tables) {
    const found = rows.find(({ name }) => name === table);
    if (found === undefined) {
      throw new FreshetError(
        'config-invalid',
        `The table ${table} does not exist: correct its name in the configuration or create it.`,
      );
    }
    if (!found.keyed) {
      throw new FreshetError(
        'config-invalid',
        `The table ${table} has no primary key, so its rows can't be told apart: add one.`,
      );
    }
    // Before it is published: from then on the application's own updates and deletes would fail.
    const trouble = identityTrouble(found.identities);
    if (trouble)
      throw new FreshetError(
        'config-invalid',
        `The table ${table} ${trouble.said}. Change it: ${trouble.change}`,
      );
  }
};

/**
 * Made by hand rather than by Debezium, which would publish every table when asked for too little. ONLY: tables that inherit from one
 * would be published with it, and those that have no key of their own could not be updated any more.
 */
const publish = async (client: Client, name: string, tables: readonly string[]): Promise<void> => {
  const publication = client.escapeIdentifier(name);
  const list = tables.map((table) => `ONLY ${quoted(client, table)}`).join(', ');
  const settings = `(publish = 'insert, update, delete, truncate', publish_via_partition_root = true)`;
  const existing = await client.query('SELECT 1 FROM pg_publication WHERE pubname = $1', [name]);
  if (existing.rows.length === 0) {
    await client.query(`CREATE PUBLICATION ${publication} FOR TABLE ${list} WITH ${settings}`);
    return;
  }
  const { rows } = await client.query<{ name: string }>(
    `SELECT schemaname || '.' || tablename AS name FROM pg_publication_tables WHERE pubname = $1`,
    [name],
  );
  const published = rows.map((row) => row.name).sort();
  if (JSON.stringify(published) !== JSON.stringify([...tables].sort())) {
    await client.query(`ALTER PUBLICATION ${publication} SET TABLE ${list}`);
  }
};

const quoted = (client: Client, table: string): string => {
  const dot = table.indexOf('.');
  return `${client.escapeIdentifier(table.slice(0, dot))}.${client.escapeIdentifier(table.slice(dot + 1))}`;
};
