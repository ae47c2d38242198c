import pg from 'pg';
import { FreshetError, toError } from '../../../schemas/errors.ts';

export interface InspectedPostgres {
  readonly version: string;
  readonly walLevel: string;
  /** Undefined where the slot does not exist. */
  readonly slot:
    | { readonly active: boolean; readonly walStatus: string; readonly retainedBytes: number }
    | undefined;
}

/** What capture depends on in a source database. Errors: `source-unavailable`. */
export const inspectPostgres = async (url: string, slot: string): Promise<InspectedPostgres> => {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 3_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ version: string; wal_level: string }>(
      "select current_setting('server_version') as version, current_setting('wal_level') as wal_level",
    );
    const slots = await client.query<{ active: boolean; wal_status: string; retained: string }>(
      'select active, wal_status, coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)::text as retained from pg_replication_slots where slot_name = $1',
      [slot],
    );
    const found = slots.rows[0];
    return {
      version: rows[0]?.version ?? '?',
      walLevel: rows[0]?.wal_level ?? '?',
      slot: found && {
        active: found.active,
        walStatus: found.wal_status,
        retainedBytes: Number(found.retained),
      },
    };
  } catch (thrown) {
    const error = toError(thrown);
    throw new FreshetError('source-unavailable', `the source database does not answer: ${error.message}`, {
      cause: error,
    });
  } finally {
    await client.end().catch(() => undefined);
  }
};
