/** Posts JSON to an address of the configuration. What the other side answers but its status is not looked at. */
import { setTimeout as sleep } from 'node:timers/promises';
import { FreshetError, toError } from '../../schemas/errors.ts';
import { withSignals } from '../../schemas/linked-signal.ts';

const WITHIN_MS = 5_000;
const PAUSES_MS = [1_000, 4_000];

/** Tries three times; the body may arrive more than once. Errors: `unavailable`, which never shows the address: it may hold a secret. */
export const postWebhook = async (url: string, body: unknown, signal: AbortSignal): Promise<void> => {
  for (let attempt = 0; ; attempt += 1) {
    try {
      const { ok, status } = await withSignals([signal, AbortSignal.timeout(WITHIN_MS)], async (within) => {
        const response = await fetch(url, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
          redirect: 'error',
          signal: within,
        });
        await response.body?.cancel();
        return response;
      });
      if (ok) return;
      throw new Error(`status ${status}`);
    } catch (thrown) {
      const pause = PAUSES_MS[attempt];
      if (pause === undefined || signal.aborted)
        throw new FreshetError(
          'unavailable',
          `the webhook of alerts did not take one: ${toError(thrown).message}; see freshness.webhook in freshet.config.ts`,
        );
      await sleep(pause, undefined, { signal }).catch(() => undefined);
    }
  }
};
