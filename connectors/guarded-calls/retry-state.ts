/** What follows a failed try. Pure; a chance between 0 and 1 is handed in. */
export interface CallVerdict {
  /** The same call may succeed later. */
  readonly retry: boolean;
  /** How long the service asked to be left alone, in milliseconds; null when it did not say. */
  readonly afterMs: number | null;
  /** The service seems down: this counts for the breaker. Being told to slow down does not. */
  readonly down: boolean;
}

/** Whatever a service says: after it one call asks again, and is told again. A wrong header is not for ever. */
export const MAX_HOLD_MS = 3_600_000;

export interface RetryLimits {
  readonly attempts: number;
  readonly firstBackoffMs: number;
  readonly maxBackoffMs: number;
}

export type NextTry = { readonly kind: 'give-up' } | { readonly kind: 'again'; readonly waitMs: number };

/**
 * Pauses double and are spread over their upper half, so that callers that failed together do not come back together.
 * A service that says how long is taken at its word, never sooner; longer than the limit, the call is given up.
 */
export const afterFailure = (
  limits: RetryLimits,
  attempt: number,
  verdict: CallVerdict,
  chance: number,
): NextTry => {
  if (!verdict.retry || attempt >= limits.attempts) return { kind: 'give-up' };
  if (verdict.afterMs !== null)
    return verdict.afterMs > limits.maxBackoffMs
      ? { kind: 'give-up' }
      : { kind: 'again', waitMs: verdict.afterMs };
  const full = Math.min(limits.maxBackoffMs, limits.firstBackoffMs * 2 ** (attempt - 1));
  return { kind: 'again', waitMs: Math.ceil(full / 2 + (full / 2) * chance) };
};
