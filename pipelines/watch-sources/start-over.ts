/**
 * Captures a source anew under an epoch that was published before: every step may be done again, so that a crash in between
 * is made good by starting over with the same epoch. Whatever the old capture still writes carries the lower epoch.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { sourceNames } from '../../connectors/debezium/connector-config.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { registerConnector } from './register-connector.ts';
import type { WatchedSource } from './watched-source.ts';

const STOPS_WITHIN_MS = 30_000;

/** Errors: as registerConnector's. */
export const startOver = async (watched: WatchedSource, epoch: number): Promise<void> => {
  const { source, kind, url, connect } = watched;
  const { connector } = sourceNames(source);
  if (await connect.status(connector)) {
    await connect.steer(connector, 'stop');
    await untilStopped(watched, connector);
    // Offsets of the old place would make Debezium go on from there instead of reading the tables.
    await connect.deleteOffsets(connector);
  }
  await kind.release({ source, url });
  await registerConnector(watched, epoch);
  await connect.steer(connector, 'resume').catch((error) => {
    // A connector that was not there before runs from the start.
    if (!(error instanceof FreshetError && error.code === 'not-found')) throw error;
  });
};

const untilStopped = async ({ connect }: WatchedSource, connector: string): Promise<void> => {
  const deadline = performance.now() + STOPS_WITHIN_MS;
  for (;;) {
    const status = await connect.status(connector);
    if (status?.connector.state === 'STOPPED' && status.tasks.length === 0) return;
    if (performance.now() > deadline)
      throw new FreshetError(
        'connect-unavailable',
        `The connector ${connector} does not stop: look at Kafka Connect's log, and restart it if need be.`,
      );
    await sleep(200);
  }
};
