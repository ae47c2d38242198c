/** How long a provider is to be left alone, after it told any caller in this process so. Milliseconds throughout. */
export interface ProviderHold {
  /** What is left of it; 0: calls may go. */
  remainingMs(): number;
  /** A call was told to slow down; `retryAfterMs` null: without saying for how long. */
  refused(retryAfterMs: number | null): void;
  /** A call went through. */
  answered(): void;
}

const FIRST_HOLD_MS = 1_000;
const MAX_HOLD_MS = 30_000;

/** How long after so many refusals in a row without a time; doubles from 1 to 30 seconds. Pure. */
export const unsaidHoldMs = (refusals: number): number =>
  Math.min(MAX_HOLD_MS, FIRST_HOLD_MS * 2 ** Math.min(30, Math.max(0, refusals - 1)));

/** @param now milliseconds of a clock that does not go back */
export const createProviderHold = (now: () => number): ProviderHold => {
  let until = Number.NEGATIVE_INFINITY;
  let refusals = 0;
  return {
    remainingMs: () => Math.max(0, until - now()),
    refused: (retryAfterMs) => {
      const at = now();
      // Calls that were under way together are refused together: that is one refusal, not many.
      if (retryAfterMs === null && at >= until) refusals += 1;
      // Never shorter than what another call was told.
      until = Math.max(until, at + (retryAfterMs ?? unsaidHoldMs(refusals)));
    },
    answered: () => {
      refusals = 0;
    },
  };
};
