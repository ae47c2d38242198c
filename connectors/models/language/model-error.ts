import { FreshetError } from '../../../schemas/errors.ts';

/**
 * Why a model call failed, a closed list:
 * rate-limited (429), overloaded (5xx, 408), refused (other 4xx, quota used up), unreachable (no connection),
 * interrupted (the answer broke off), timeout, cancelled (by the caller), unreadable (not the protocol).
 */
export type ModelFailure =
  | 'rate-limited'
  | 'overloaded'
  | 'refused'
  | 'unreachable'
  | 'interrupted'
  | 'timeout'
  | 'cancelled'
  | 'unreadable';

export type ModelErrorFacts = {
  readonly reason: ModelFailure;
  readonly retryable: boolean;
  /** How long the provider asked to wait, in milliseconds; null when it did not say. */
  readonly retryAfterMs: number | null;
  /** Whether the provider may have charged for the call: then its reservation counts as spent. */
  readonly mayHaveCost: boolean;
  /** False: it was given up before anything was sent, which says nothing of the provider. */
  readonly sent?: boolean;
};

/** A failed model call. Its message carries neither the key nor the prompt. */
export class ModelError extends FreshetError {
  readonly reason: ModelFailure;
  readonly retryable: boolean;
  readonly retryAfterMs: number | null;
  readonly mayHaveCost: boolean;
  readonly sent: boolean;

  constructor(message: string, facts: ModelErrorFacts, options?: { readonly cause?: unknown }) {
    super('model-failed', message, options);
    this.name = 'ModelError';
    this.reason = facts.reason;
    this.retryable = facts.retryable;
    this.retryAfterMs = facts.retryAfterMs;
    this.mayHaveCost = facts.mayHaveCost;
    this.sent = facts.sent ?? true;
  }
}
