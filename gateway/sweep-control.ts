/**
 * Removes from freshet.control what is of use to nobody any more, a bounded number each minute: workers write there too, for as long as
 * nobody asks for anything. Several gateways may do it at once: what is removed twice is removed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { toFreshetError } from '../schemas/errors.ts';
import { TOPICS } from '../schemas/topics.ts';
import type { GatewayContext } from './gateway-context.ts';

export interface ControlSweep {
  close(): Promise<void>;
}

const EVERY_MS = 60_000;
const MOST_REMOVED = 1_000;
/** Tasks are kept for seven days: what was asked of older ones is of no use to anyone. */
const OUTDATED_MICROS = 8 * 24 * 3_600 * 1_000_000;

export const sweepControl = ({
  settings,
  models,
  reader,
}: Pick<GatewayContext, 'settings' | 'models' | 'reader'>): ControlSweep => {
  const { writer, clock, onEvent, sweepEveryMs = EVERY_MS } = settings;
  const stopped = new AbortController();

  const sweep = async (): Promise<void> => {
    // While it is read, a newer signal under the same key may not have come yet.
    if (reader.waitingFor() !== null) return;
    const outdated = models.control.outdated(clock() - OUTDATED_MICROS).slice(0, MOST_REMOVED);
    await writer.append(outdated.map((key) => ({ topic: TOPICS.control.name, key, value: null })));
  };

  const sweeping = (async () => {
    while (!stopped.signal.aborted) {
      await sweep().catch((error) => onEvent({ type: 'sweep-trouble', error: toFreshetError(error) }));
      await sleep(sweepEveryMs, undefined, { signal: stopped.signal }).catch(() => undefined);
    }
  })();
  return {
    close: async () => {
      stopped.abort();
      await sweeping;
    },
  };
};
