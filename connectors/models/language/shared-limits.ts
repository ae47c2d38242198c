/**
 * The limits of providers as all workers of a group count them together. Whoever cannot reach what is shared goes by what it has
 * seen itself. Milliseconds throughout.
 */
import type { LimiterLimits, WaitingCall } from './limiter-state.ts';

export interface SharedHold {
  /** A call was told to slow down; `retryAfterMs` null: without saying for how long. Never throws. */
  refused(retryAfterMs: number | null): void;
  /** A call went through after refusals. Never throws. */
  answered(): void;
}

export interface TakenPlaces {
  /** So many of the calls, from the first on, count now and may go. */
  readonly taken: number;
  /** How long the provider is to be left alone; 0: it is not. */
  readonly heldMs: number;
  /** In a row, of all workers, without a time. */
  readonly refusals: number;
  /** When to ask again for those that may not go yet. */
  readonly againMs: number;
}

/** Of one model: requests and tokens of any 60 seconds. */
export interface SharedWindow {
  /**
   * Places for calls in the order they came. Of several workers that wait, the one that has waited longest is first. Null:
   * nobody can be asked. Never rejects.
   */
  take(calls: readonly WaitingCall[]): Promise<TakenPlaces | null>;
  /** A call ended and used so many tokens. Never throws. */
  settle(id: number, tokens: number): void;
  /** A place was taken for a call that was not made. Never throws. */
  giveBack(id: number): void;
}

export type MinuteLimits = Pick<LimiterLimits, 'requestsPerMinute' | 'tokensPerMinute'>;

export interface SharedLimits {
  /** `provider` and `model` name the same ones in all workers, and hold no secret. */
  holdOf(provider: string): SharedHold;
  windowOf(provider: string, model: string, limits: MinuteLimits): SharedWindow;
  close(): Promise<void>;
}
