/** Lets calls through as the limits of a model and the hold of its provider allow; the decisions are limiter-state's. */
import { admit, enqueue, type LimiterLimits, NO_CALLS, settle, withdraw } from './limiter-state.ts';
import { ModelError } from './model-error.ts';
import type { ProviderHold } from './provider-hold.ts';

export interface CallLimiter {
  /**
   * Resolves when the call may go; what it resolves with is to be called with the tokens that were used, null where
   * unknown. Errors: ModelError `cancelled` when the signal ends first, `rate-limited` when the provider asked to be
   * left alone for longer than a call waits. Neither cost anything.
   */
  enter(tokens: number, signal: AbortSignal | undefined): Promise<(usedTokens: number | null) => void>;
  /** Calls that wait. */
  waiting(): number;
}

export interface CallLimiterSettings {
  readonly limits: LimiterLimits;
  readonly hold: ProviderHold;
  /** A hold of longer than this is an answer of its own: another model may do. Milliseconds. */
  readonly maxHoldMs: number;
  /** Milliseconds of a clock that does not go back. */
  readonly now: () => number;
}

interface Waiter {
  readonly go: () => void;
  readonly fail: (error: ModelError) => void;
}

export const createCallLimiter = ({ limits, hold, maxHoldMs, now }: CallLimiterSettings): CallLimiter => {
  const waiters = new Map<number, Waiter>();
  let state = NO_CALLS;
  let timer: NodeJS.Timeout | undefined;
  let ids = 0;

  const pump = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (waiters.size === 0) return;
    const heldMs = hold.remainingMs();
    if (heldMs > maxHoldMs) {
      for (const [id, { fail }] of waiters) {
        state = withdraw(state, id);
        fail(heldFor(heldMs));
      }
      waiters.clear();
    } else if (heldMs > 0) wakeIn(heldMs);
    else {
      const admission = admit(state, limits, now());
      ({ state } = admission);
      for (const id of admission.admitted) {
        waiters.get(id)?.go();
        waiters.delete(id);
      }
      if (admission.nextAt !== null) wakeIn(admission.nextAt - now());
    }
  };

  /** A hold may have grown meanwhile, or a call have ended: whoever wakes looks again. */
  const wakeIn = (ms: number): void => {
    timer = setTimeout(pump, Math.max(1, Math.ceil(ms)));
  };

  const leave = (id: number, usedTokens: number | null): void => {
    state = settle(state, id, usedTokens);
    pump();
  };

  return {
    enter: (tokens, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(cancelled());
        const id = ids++;
        const onAbort = (): void => {
          waiters.delete(id);
          state = withdraw(state, id);
          reject(cancelled());
          pump();
        };
        const settled = (): void => signal?.removeEventListener('abort', onAbort);
        waiters.set(id, {
          go: () => {
            settled();
            resolve((usedTokens) => leave(id, usedTokens));
          },
          fail: (error) => {
            settled();
            reject(error);
          },
        });
        signal?.addEventListener('abort', onAbort, { once: true });
        state = enqueue(state, { id, tokens });
        pump();
      }),
    waiting: () => waiters.size,
  };
};

const cancelled = (): ModelError =>
  new ModelError('The model call was cancelled while it waited for its turn.', {
    reason: 'cancelled',
    retryable: false,
    retryAfterMs: null,
    mayHaveCost: false,
  });

const heldFor = (ms: number): ModelError =>
  new ModelError(`The model's provider asked for no call for another ${Math.ceil(ms / 1_000)} s.`, {
    reason: 'rate-limited',
    retryable: true,
    retryAfterMs: Math.ceil(ms),
    mayHaveCost: false,
  });
