/** The hold of a provider for all its callers in a process, and what other processes hear of it. Milliseconds throughout. */
import { afterAnswer, afterRefusal, type Hold, NO_HOLD, remainingOf } from './hold-state.ts';
import type { SharedHold } from './shared-limits.ts';

export interface ProviderHold {
  /** What is left of it; 0: calls may go. */
  remainingMs(): number;
  /** A call was told to slow down; `retryAfterMs` null: without saying for how long. */
  refused(retryAfterMs: number | null): void;
  /** A call went through. */
  answered(): void;
  /** Another process was told so: it is held for this long from now, if it is not for longer. */
  heard(heldMs: number, refusals: number): void;
}

/** @param now milliseconds of a clock that does not go back */
export const createProviderHold = (now: () => number, shared?: SharedHold): ProviderHold => {
  let hold: Hold = NO_HOLD;
  return {
    remainingMs: () => remainingOf(hold, now()),
    refused: (retryAfterMs) => {
      hold = afterRefusal(hold, retryAfterMs, now());
      shared?.refused(retryAfterMs);
    },
    answered: () => {
      if (hold.refusals === 0) return;
      hold = afterAnswer(hold);
      shared?.answered();
    },
    heard: (heldMs, refusals) => {
      hold = { until: Math.max(hold.until, heldMs > 0 ? now() + heldMs : 0), refusals };
    },
  };
};
