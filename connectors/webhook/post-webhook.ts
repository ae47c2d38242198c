/** Posts JSON to an address of the configuration. What the other side answers but its status is not looked at. */
import { setTimeout as sleep } from 'node:timers/promises';
import { requestTo } from '../../schemas/bare-address.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { withSignals } from '../../schemas/linked-signal.ts';

const WITHIN_MS = 5_000;
const PAUSES_MS = [1_000, 4_000];

/** Tries three times; the body may arrive more than once. Errors: `unavailable`, which never shows the address: it may hold a secret. */
export const postWebhook = async (address: string, body: unknown, signal: AbortSignal): Promise<void> => {
  const { url, headers } = requestTo(address);
  for (let attempt = 0; ; attempt += 1) {
    // Not the error of `fetch`: it may show the address.
    let why = 'no answer';
    try {
      const { ok, status } = await withSignals([signal, AbortSignal.timeout(WITHIN_MS)], async (within) => {
        const response = await fetch(url, {
          method: 'POST',
          headers: { ...headers, 'content-type': 'application/json' },
          body: JSON.stringify(body),
          redirect: 'error',
          signal: within,
        });
        await response.body?.cancel();
        return response;
      });
      if (ok) return;
      why = `status ${status}`;
    } catch {
      // Said below.
    }
    const pause = PAUSES_MS[attempt];
    if (pause === undefined || signal.aborted)
      throw new FreshetError(
        'unavailable',
        `the webhook of alerts did not take one: ${why}; see freshness.webhook in freshet.config.ts`,
      );
    await sleep(pause, undefined, { signal }).catch(() => undefined);
  }
};
