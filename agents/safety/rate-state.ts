/**
 * How fast tasks may come: a token bucket for each agent and tenant, so that one who sends too many takes nothing from
 * another. Pure: the bucket before and after, times in milliseconds handed in.
 */
export interface RateLimits {
  readonly perSecond: number;
  /** Taken at once after a rest. */
  readonly burst: number;
}

export interface TokenBucket {
  readonly tokens: number;
  /** When it held them. */
  readonly at: number;
}

export type RateVerdict =
  | { readonly allowed: true }
  /** Milliseconds until there is a token. */
  | { readonly allowed: false; readonly retryAfterMs: number };

/** Undefined: a full one. A clock that goes back gives nothing, and takes nothing. */
export const takeToken = (
  bucket: TokenBucket | undefined,
  { perSecond, burst }: RateLimits,
  now: number,
): { readonly bucket: TokenBucket; readonly verdict: RateVerdict } => {
  const held = bucket ?? { tokens: burst, at: now };
  const at = Math.max(now, held.at);
  const tokens = Math.min(burst, held.tokens + ((at - held.at) * perSecond) / 1_000);
  if (tokens >= 1) return { bucket: { tokens: tokens - 1, at }, verdict: { allowed: true } };
  const retryAfterMs = Math.ceil(((1 - tokens) * 1_000) / perSecond);
  return { bucket: { tokens, at }, verdict: { allowed: false, retryAfterMs } };
};
