import { sourceNames } from '../../debezium/connector-config.ts';
import type { ObservedSource } from '../source-kind.ts';
import { askPostgresOften } from './ask-postgres.ts';

interface Seen {
  readonly system: string;
  readonly timeline: number;
  readonly database: string;
  readonly publication: string | null;
  readonly held: string | null;
  readonly wal_status: string | null;
  readonly end: string;
  readonly retained: string | null;
}

/**
 * The publication counts for the identity: one made anew has no changes from before it, and decoding the log from before
 * fails for ever. So does the timeline: it is another after a restore to a point in time.
 */
const LOOK = `
  SELECT (SELECT system_identifier::text FROM pg_control_system()) AS system,
         (SELECT timeline_id FROM pg_control_checkpoint()) AS timeline,
         (SELECT oid::text FROM pg_database WHERE datname = current_database()) AS database,
         (SELECT oid::text FROM pg_publication WHERE pubname = $2) AS publication,
         slot.confirmed_flush_lsn::text AS held, slot.wal_status,
         pg_current_wal_lsn()::text AS end,
         pg_wal_lsn_diff(pg_current_wal_lsn(), slot.restart_lsn)::text AS retained
    FROM (SELECT 1) AS one LEFT JOIN pg_replication_slots AS slot ON slot.slot_name = $1`;

/** A source's slot, publication and database. Errors: `source-unavailable`. */
export const observePostgres = async ({
  source,
  url,
}: {
  readonly source: string;
  readonly url: string;
}): Promise<ObservedSource> => {
  const { slot, publication } = sourceNames(source);
  const { rows } = await askPostgresOften(url, (client) => client.query<Seen>(LOOK, [slot, publication]));
  const seen = rows[0] as Seen;
  return {
    identity: `${seen.system}/${seen.timeline}/${seen.database}/${seen.publication ?? 'unpublished'}`,
    heldFrom: seen.held ?? undefined,
    discarded: seen.wal_status === 'lost',
    end: seen.end,
    retainedBytes: seen.retained === null ? null : Math.max(0, Number(seen.retained)),
  };
};
