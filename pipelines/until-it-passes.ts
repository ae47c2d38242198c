/** Work that is tried again until it passes, at growing intervals: for what must not be skipped. */
import { setTimeout as sleep } from 'node:timers/promises';
import { toError } from '../schemas/errors.ts';

export interface TryingSettings {
  /** Nobody wants it any more. */
  readonly signal: AbortSignal;
  /** It failed and will be tried again. */
  readonly onRetry: (error: Error, attempt: number) => void;
  /** True: an attempt that fails is the last. */
  readonly givesUp?: () => boolean;
}

const FIRST_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 5_000;

/** Resolves once it passed, or was given up. */
export const untilItPasses = async (
  work: () => Promise<void>,
  { signal, onRetry, givesUp = () => false }: TryingSettings,
): Promise<void> => {
  for (let attempt = 1; !signal.aborted; attempt += 1) {
    try {
      await work();
      return;
    } catch (error) {
      if (signal.aborted || givesUp()) return;
      onRetry(toError(error), attempt);
      const ms = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (attempt - 1));
      await sleep(ms, undefined, { signal }).catch(() => undefined);
    }
  }
};
