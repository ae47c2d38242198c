/** Holds retrievals until the index is as fresh as they ask: woken when a watermark moves, never by polling. */
import { FreshetError } from '../../schemas/errors.ts';
import { DEFAULT_FRESHNESS_WAIT_MS, type SourceWatermark } from '../../schemas/search.ts';
import { behindOf, type FreshnessAsked, staleError } from './fresh-enough.ts';

export interface FreshnessGate {
  /** Resolves when it is fresh enough. Errors: `stale` after its `waitMs`, `too-many-requests`, `unavailable` (closed). */
  until(request: FreshnessAsked, signal?: AbortSignal): Promise<void>;
  /** To be told that a watermark may have moved. */
  changed(): void;
  waiting(): number;
  close(): void;
}

interface Waiter {
  readonly request: FreshnessAsked;
  readonly settle: (error?: Error) => void;
}

const MOST_WAITERS = 2_000;

export const createFreshnessGate = (
  watermarks: () => Readonly<Record<string, SourceWatermark>>,
  mostWaiters = MOST_WAITERS,
): FreshnessGate => {
  const waiters = new Set<Waiter>();
  return {
    until: async (request, signal) => {
      const behind = behindOf(watermarks(), request);
      if (!behind) return;
      const waitMs = request.freshness?.waitMs ?? DEFAULT_FRESHNESS_WAIT_MS;
      if (waitMs === 0) throw staleError(behind, 0);
      if (waiters.size >= mostWaiters)
        throw new FreshetError(
          'too-many-requests',
          `${mostWaiters} retrievals wait for the index to become fresh enough already; try again later`,
        );
      const began = performance.now();
      await new Promise<void>((resolve, reject) => {
        const settle: Waiter['settle'] = (error) => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', onAbort);
          waiters.delete(waiter);
          if (error) reject(error);
          else resolve();
        };
        const waiter: Waiter = { request, settle };
        const onAbort = (): void => settle(new FreshetError('unavailable', 'whoever asked has gone'));
        const timer = setTimeout(() => {
          // Time alone makes nothing fresher, but the last move may have come in this turn.
          const still = behindOf(watermarks(), request);
          settle(still ? staleError(still, performance.now() - began) : undefined);
        }, waitMs);
        waiters.add(waiter);
        if (signal?.aborted) onAbort();
        else signal?.addEventListener('abort', onAbort, { once: true });
      });
    },
    changed: () => {
      if (waiters.size === 0) return;
      const now = watermarks();
      for (const waiter of [...waiters]) if (!behindOf(now, waiter.request)) waiter.settle();
    },
    waiting: () => waiters.size,
    close: () => {
      for (const waiter of [...waiters]) waiter.settle(new FreshetError('unavailable', 'the index stops'));
    },
  };
};
