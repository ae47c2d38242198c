/** What the breaker of a model is told of a call that it let through. */
import type { GuardedName } from '../../connectors/guarded-calls/breaker-state.ts';
import type { CallGuards } from './call-guards.ts';
import type { CallFailure } from './step-calls.ts';

/** One that was cut off sooner, as its execution had no more time, might have answered yet. */
const TELLING_SILENCE_MS = 10_000;

interface AllowedCall {
  readonly name: GuardedName;
  /** Since it was let through. */
  readonly sinceMs: number;
}

export const tellBreaker = (
  guards: Pick<CallGuards, 'called' | 'notMade'>,
  { name, sinceMs }: AllowedCall,
  failure: CallFailure | null,
  stopped: AbortSignal,
): void => {
  // It may be the one that tries an open breaker: whoever asks next does so.
  if (failure && saysNothing(failure, stopped)) guards.notMade(name, sinceMs);
  else if (!stopped.aborted) guards.called(name, failure === null || !isTheirs(failure), sinceMs);
};

const saysNothing = ({ made, uncertain, silentMs }: CallFailure, stopped: AbortSignal): boolean =>
  made === false || (stopped.aborted ? !uncertain : silentMs !== undefined && silentMs < TELLING_SILENCE_MS);

/** The provider's failure, and not what it was asked. */
const isTheirs = ({ retryable, silentMs }: CallFailure): boolean => retryable || silentMs !== undefined;
