/**
 * Captures a source anew under an epoch that was published before: every step may be done again, so that a crash in between
 * is made good by starting over, with the next epoch (decision 12). Whatever the old capture still writes carries the lower one.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { sourceNames } from '../../connectors/debezium/connector-config.ts';
import { FreshetError, hasCode } from '../../schemas/errors.ts';
import type { WatchedSource } from './watched-source.ts';

const STOPS_WITHIN_MS = 30_000;

export interface StartOverSettings {
  /** From here on changes may be captured under the epoch. */
  readonly onBegin: () => void;
  /** Another process may do this by now: what is not begun is left to it. */
  readonly stopped: AbortSignal;
  /** Makes database, change topic and connector as they are to be under the epoch, as far as its tables let it. */
  readonly register: () => Promise<unknown>;
}

/** Errors: as registerConnector's; the signal's reason once it is given. */
export const startOver = async (
  watched: WatchedSource,
  { onBegin, stopped, register }: StartOverSettings,
): Promise<void> => {
  const { source, kind, url, connect } = watched;
  const { connector } = sourceNames(source);
  const begin = (): void => {
    stopped.throwIfAborted();
    onBegin();
  };
  const stands = (await connect.status(connector)) !== undefined;
  if (stands) {
    await connect.steer(connector, 'stop');
    await untilStopped(watched, connector, stopped);
    // Offsets of the old place would make Debezium go on from there instead of reading the tables.
    await connect.deleteOffsets(connector);
  }
  stopped.throwIfAborted();
  await kind.release({ source, url });
  // One that stands is stopped until it is resumed; one that does not runs as soon as it is registered.
  if (!stands) begin();
  await register();
  if (stands) begin();
  await connect.steer(connector, 'resume').catch((error) => {
    // A connector that was not there before runs from the start.
    if (!hasCode(error, 'not-found')) throw error;
  });
};

const untilStopped = async (
  { connect }: WatchedSource,
  connector: string,
  stopped: AbortSignal,
): Promise<void> => {
  const deadline = performance.now() + STOPS_WITHIN_MS;
  for (;;) {
    const status = await connect.status(connector);
    stopped.throwIfAborted();
    if (status?.connector.state === 'STOPPED' && status.tasks.length === 0) return;
    if (performance.now() > deadline)
      throw new FreshetError(
        'connect-unavailable',
        `The connector ${connector} does not stop: look at Kafka Connect's log, and restart it if need be.`,
      );
    await sleep(200);
  }
};
