/** Waits for the first load of the sample: a change made before it ends waits behind it, and its age would be the load's. */
import { setTimeout as sleep } from 'node:timers/promises';
import { openIndexClient } from '../../connectors/index-service/index-client.ts';
import { connectToSource } from '../../connectors/sample-source/source-connection.ts';
import { FreshetError } from '../../schemas/errors.ts';
import type { Progress } from '../progress.ts';
import type { RunningFreshet } from './start-everything.ts';

/** Without a single new document for so long, something is wrong. */
const STALLED_AFTER_MS = 90_000;
const TELL_EVERY_MS = 3_000;

/** Resolves with what is indexed. Errors: `check-failed` when it stalls; the signal's reason. */
export const untilSampleIndexed = async (
  freshet: RunningFreshet,
  progress: Progress,
  signal: AbortSignal,
): Promise<string> => {
  const index = openIndexClient(freshet.run.index);
  const { client, close } = await connectToSource(freshet.sampleUrl);
  let [told, moved, before] = [performance.now(), performance.now(), -1];
  try {
    for (;;) {
      signal.throwIfAborted();
      const { documents, markers } = await index.status();
      const counted = await client.query<{ rows: string }>(
        'select (select count(*) from articles) + (select count(*) from products) + (select count(*) from incidents) as rows',
      );
      const rows = Number(counted.rows[0]?.rows);
      // A refused row has a marker in place of a document.
      if (documents + markers >= rows) return `${documents} documents of ${rows} rows`;
      const now = performance.now();
      if (documents !== before) [before, moved] = [documents, now];
      if (now - moved > STALLED_AFTER_MS)
        throw new FreshetError(
          'check-failed',
          `only ${documents} of ${rows} rows are indexed, and nothing came for ${STALLED_AFTER_MS / 1_000} s; run: npx freshet doctor`,
        );
      if (now - told > TELL_EVERY_MS) {
        told = now;
        progress.line('sample', `${documents} of ${rows} rows indexed`);
      }
      await sleep(200);
    }
  } finally {
    await close();
  }
};
