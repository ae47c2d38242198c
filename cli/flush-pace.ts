/** How often Kafka Connect writes down what a connector has acknowledged: no watermark is younger than that (rule W). */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectApi } from '../connectors/debezium/connect-api.ts';

/** Without probe rows, a quiet source moves by its connector's heartbeat alone: every five seconds. */
const WITHIN_MS = 12_000;
const ASK_EVERY_MS = 100;

/** Milliseconds from the call to the second time that it did; null where it did not within 12 s. Errors: `connect-unavailable`. */
export const flushPace = async (connect: ConnectApi, connector: string): Promise<number | null> => {
  const written = async (): Promise<string> =>
    JSON.stringify(await connect.offsets(connector), (_, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    );
  const begun = performance.now();
  let before = await written();
  for (let times = 0; performance.now() - begun < WITHIN_MS; await sleep(ASK_EVERY_MS)) {
    const now = await written();
    if (now !== before) times += 1;
    // One may have been due just then, however long the pauses are.
    if (times === 2) return performance.now() - begun;
    before = now;
  }
  return null;
};
