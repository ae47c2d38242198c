/** Says how the first read of one's own tables goes, until nothing more has come for a while. */
import { setTimeout as sleep } from 'node:timers/promises';
import { openIndexClient } from '../../connectors/index-service/index-client.ts';
import type { Progress } from '../progress.ts';

const LOOK_EVERY_MS = 500;
const TELL_EVERY_MS = 3_000;
const QUIET_AFTER_MS = 5_000;

/** Returns when the signal is aborted too. An index that does not answer for a moment is asked again. */
export const tellIndexed = async (url: string, progress: Progress, signal: AbortSignal): Promise<void> => {
  const index = openIndexClient(url);
  let [before, moved, told] = [-1, performance.now(), performance.now()];
  let said = '';
  while (!signal.aborted) {
    const status = await index.status().catch(() => undefined);
    const now = performance.now();
    if (status) {
      const { documents, markers } = status;
      if (documents + markers !== before) [before, moved] = [documents + markers, now];
      said = `${documents} documents indexed${markers > 0 ? `, ${markers} deleted or refused` : ''}`;
    }
    if (before > 0 && now - moved > QUIET_AFTER_MS) break;
    if (now - told > TELL_EVERY_MS) {
      told = now;
      progress.line('source', said || 'waiting for the first documents');
    }
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
  if (!signal.aborted) progress.line('source', `${said}; changes follow as they are committed`);
};
