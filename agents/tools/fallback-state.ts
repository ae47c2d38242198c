/**
 * What is tried next for one tool call, given what has failed: a fresh result, the tool with its retries, the tools
 * that stand in for it with theirs, an old result, a stated answer; then it has failed. Pure and total: every move uses
 * something up, so it ends after (tools × tries + 3) moves at the most.
 */

import { afterFailure } from '../../connectors/guarded-calls/retry-state.ts';
import type { JsonValue } from '../../connectors/models/language/language-model.ts';

export interface ChainPolicy {
  /** The tool, then those that stand in for it. */
  readonly tools: readonly { readonly name: string; readonly retries: number }[];
  /** A result of at most this age is as good as a call, milliseconds; null: none is. */
  readonly freshMs: number | null;
  /** However old a result is, it is better than none. */
  readonly stale: boolean;
  /** What is answered when nothing else is; undefined: nothing. */
  readonly answer: JsonValue | undefined;
}

export interface ChainState {
  readonly lookedForFresh: boolean;
  readonly lookedForStale: boolean;
  /** Failed calls, in order. */
  readonly failures: readonly ChainFailure[];
}

export interface ChainFailure {
  readonly tool: string;
  /** The same call may succeed later. */
  readonly retryable: boolean;
  /** How long the tool asked to be left alone, milliseconds; null when it did not say. */
  readonly retryAfterMs: number | null;
}

export type ChainMove =
  | { readonly kind: 'look-for-fresh'; readonly maxAgeMs: number }
  | { readonly kind: 'call'; readonly tool: string; readonly attempt: number; readonly waitMs: number }
  | { readonly kind: 'look-for-stale' }
  | { readonly kind: 'state'; readonly answer: JsonValue }
  | { readonly kind: 'give-up' };

export const CHAIN_BEGUN: ChainState = { lookedForFresh: false, lookedForStale: false, failures: [] };

const FIRST_BACKOFF_MS = 200;
const MAX_BACKOFF_MS = 5_000;

/**
 * @param leftMs time left for the whole call: a wait that would not end before it is not begun
 * @param chance between 0 and 1, spreads the pauses
 */
export const nextMove = (
  policy: ChainPolicy,
  state: ChainState,
  leftMs: number,
  chance: number,
): ChainMove => {
  if (policy.freshMs !== null && !state.lookedForFresh)
    return { kind: 'look-for-fresh', maxAgeMs: policy.freshMs };
  for (const { name, retries } of policy.tools) {
    if (leftMs <= 0) break;
    const failures = state.failures.filter(({ tool }) => tool === name);
    const last = failures.at(-1);
    if (!last) return { kind: 'call', tool: name, attempt: 1, waitMs: 0 };
    const limits = { attempts: retries + 1, firstBackoffMs: FIRST_BACKOFF_MS, maxBackoffMs: MAX_BACKOFF_MS };
    const verdict = { retry: last.retryable, afterMs: last.retryAfterMs, down: false };
    const next = afterFailure(limits, failures.length, verdict, chance);
    if (next.kind === 'again' && next.waitMs < leftMs)
      return { kind: 'call', tool: name, attempt: failures.length + 1, waitMs: next.waitMs };
  }
  if (policy.stale && !state.lookedForStale) return { kind: 'look-for-stale' };
  return policy.answer === undefined ? { kind: 'give-up' } : { kind: 'state', answer: policy.answer };
};
