/**
 * How long a provider is to be left alone, as a state that several processes can share: plain JSON, moved on by what calls were
 * told. Pure; times are handed in, in milliseconds of one clock.
 */
import { MAX_HOLD_MS } from '../../guarded-calls/retry-state.ts';

export interface Hold {
  /** No call before it. */
  readonly until: number;
  /** In a row, without being told for how long. */
  readonly refusals: number;
}

export const NO_HOLD: Hold = { until: 0, refusals: 0 };

const FIRST_HOLD_MS = 1_000;
const MAX_UNSAID_MS = 30_000;

/** How long after so many refusals in a row without a time; doubles from 1 to 30 seconds. */
export const unsaidHoldMs = (refusals: number): number =>
  Math.min(MAX_UNSAID_MS, FIRST_HOLD_MS * 2 ** Math.min(30, Math.max(0, refusals - 1)));

/** A call was told to slow down; `retryAfterMs` null: without saying for how long. */
export const afterRefusal = (hold: Hold, retryAfterMs: number | null, now: number): Hold => {
  // Calls that were under way together are refused together: that is one refusal, not many.
  const refusals = retryAfterMs === null && now >= hold.until ? hold.refusals + 1 : hold.refusals;
  const heldMs = Math.min(MAX_HOLD_MS, retryAfterMs ?? unsaidHoldMs(refusals));
  // Never shorter than what another call was told.
  return { until: Math.max(hold.until, now + heldMs), refusals };
};

/** A call went through. */
export const afterAnswer = (hold: Hold): Hold => (hold.refusals === 0 ? hold : { ...hold, refusals: 0 });

/** What is left of it; 0: calls may go. */
export const remainingOf = (hold: Hold, now: number): number => Math.max(0, hold.until - now);

/** Undefined for what is no hold: the text can be written by anyone who reaches the server that holds it. */
export const parseHold = (text: string): Hold | undefined => {
  try {
    const { until, refusals } = JSON.parse(text) as Partial<Record<keyof Hold, unknown>>;
    return typeof until === 'number' && typeof refusals === 'number' ? { until, refusals } : undefined;
  } catch {
    return undefined;
  }
};
