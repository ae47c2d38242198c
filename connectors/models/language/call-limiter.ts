/** Lets calls through as the limits of a model and the hold of its provider allow; the decisions are limiter-state's. */
import {
  admit,
  begin,
  enqueue,
  type LimiterLimits,
  NO_CALLS,
  settle,
  type WaitingCall,
  withdraw,
} from './limiter-state.ts';
import { ModelError } from './model-error.ts';
import type { ProviderHold } from './provider-hold.ts';
import type { SharedWindow } from './shared-limits.ts';

export interface CallLimiter {
  /**
   * Resolves when the call may go; what it resolves with is to be called with the tokens that were used, null where
   * unknown. Errors: ModelError `cancelled` when the signal ends first, `rate-limited` when the provider asked to be
   * left alone for longer than a call waits. Neither was sent.
   */
  enter(tokens: number, signal: AbortSignal | undefined): Promise<(usedTokens: number | null) => void>;
  /** Calls that wait. */
  waiting(): number;
}

export interface CallLimiterSettings {
  readonly limits: LimiterLimits;
  readonly hold: ProviderHold;
  /** What other workers count too: asked after the own limits allow a call. The own alone where left out. */
  readonly shared?: SharedWindow | undefined;
  /** A hold of longer than this is an answer of its own: another model may do. Milliseconds. */
  readonly maxHoldMs: number;
  /** Milliseconds of a clock that does not go back. */
  readonly now: () => number;
}

interface Waiter {
  readonly go: () => void;
  readonly fail: (error: ModelError) => void;
}

export const createCallLimiter = (settings: CallLimiterSettings): CallLimiter => {
  const { limits, hold, shared, maxHoldMs, now } = settings;
  const waiters = new Map<number, Waiter>();
  let state = NO_CALLS;
  let timer: NodeJS.Timeout | undefined;
  let ids = 0;
  let asking = false;
  /** What is shared has no place before it. */
  let askAgainAt = Number.NEGATIVE_INFINITY;

  const pump = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (waiters.size === 0 || asking) return;
    const heldMs = hold.remainingMs();
    if (heldMs > maxHoldMs) {
      for (const [id, { fail }] of waiters) {
        state = withdraw(state, id);
        fail(heldFor(heldMs));
      }
      waiters.clear();
    } else if (heldMs > 0) wakeIn(heldMs);
    else if (askAgainAt > now()) wakeIn(askAgainAt - now());
    else {
      const admission = admit(state, limits, now());
      if (shared && admission.admitted.length > 0) {
        const ids = new Set(admission.admitted);
        void ask(
          shared,
          state.waiting.filter(({ id }) => ids.has(id)),
        );
        return;
      }
      ({ state } = admission);
      release(admission.admitted);
      if (admission.nextAt !== null) wakeIn(admission.nextAt - now());
    }
  };

  const release = (going: readonly number[]): void => {
    for (const id of going) {
      waiters.get(id)?.go();
      waiters.delete(id);
    }
  };

  const ask = async (window: SharedWindow, calls: readonly WaitingCall[]): Promise<void> => {
    asking = true;
    const answer = await window.take(calls);
    asking = false;
    if (answer) hold.heard(answer.heldMs, answer.refusals);
    const taken = calls.slice(0, answer?.taken ?? calls.length).map(({ id }) => id);
    // Whoever gave up while the place was taken leaves it to others.
    for (const id of taken) if (!waiters.has(id)) window.giveBack(id);
    state = begin(state, limits, taken, now());
    release(taken);
    if (answer && answer.taken < calls.length && answer.heldMs === 0) askAgainAt = now() + answer.againMs;
    pump();
  };

  /** A hold may have grown meanwhile, or a call have ended: whoever wakes looks again. */
  const wakeIn = (ms: number): void => {
    timer = setTimeout(pump, Math.max(1, Math.ceil(ms)));
  };

  const leave = (id: number, usedTokens: number | null): void => {
    state = settle(state, id, usedTokens);
    if (usedTokens !== null) {
      shared?.settle(id, usedTokens);
      askAgainAt = Number.NEGATIVE_INFINITY;
    }
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
    sent: false,
  });

const heldFor = (ms: number): ModelError =>
  new ModelError(`The model's provider asked for no call for another ${Math.ceil(ms / 1_000)} s.`, {
    reason: 'rate-limited',
    retryable: true,
    retryAfterMs: Math.ceil(ms),
    mayHaveCost: false,
    sent: false,
  });
