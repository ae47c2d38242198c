import { setTimeout as sleep } from 'node:timers/promises';
import { FreshetError } from '../../../schemas/errors.ts';
import { probeTable } from '../../../schemas/probe.ts';
import { sourceNames } from '../../debezium/connector-config.ts';
import { askPostgres } from './ask-postgres.ts';
import { signalTable } from './signal-postgres.ts';

const WITHIN_MS = 10_000;

/**
 * Drops a source's replication slot. Its reader is ended by the caller; a connection that lingers is ended here, for a
 * database may not notice for minutes that the other end is gone. Errors: `source-unavailable`.
 */
export const releasePostgres = ({
  source,
  url,
}: {
  readonly source: string;
  readonly url: string;
}): Promise<void> =>
  askPostgres(url, async (client) => {
    const { slot } = sourceNames(source);
    const deadline = performance.now() + WITHIN_MS;
    for (;;) {
      const { rows } = await client.query<{ active_pid: number | null }>(
        'SELECT active_pid FROM pg_replication_slots WHERE slot_name = $1',
        [slot],
      );
      const found = rows[0];
      if (!found) return;
      if (found.active_pid === null) {
        await client.query('SELECT pg_drop_replication_slot($1)', [slot]);
        return;
      }
      if (performance.now() > deadline)
        throw new FreshetError(
          'source-unavailable',
          `The slot ${slot} is in use by process ${found.active_pid} of the database: end what reads it.`,
        );
      await client.query('SELECT pg_terminate_backend($1)', [found.active_pid]);
      await sleep(200);
    }
  });

/** The slot first: while it is there the database keeps its log, until the disk is full. */
export const postgresRemoval = (source: string): readonly string[] => {
  const { slot, publication } = sourceNames(source);
  return [
    `SELECT pg_drop_replication_slot('${slot}'); -- the database keeps its log for it, until the disk is full`,
    `DROP PUBLICATION ${publication};`,
    `DROP TABLE ${signalTable(source)}, ${probeTable(source)};`,
  ];
};
