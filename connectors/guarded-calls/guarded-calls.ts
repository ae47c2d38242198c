/**
 * Calls to a service that can fail: so many at once, each with a deadline, tried again with growing pauses, none before
 * the time the service asked for, and none at all for a while once it seems down.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  BrokenCircuitError,
  bulkhead,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  handleWhen,
} from 'cockatiel';
import { withSignals } from '../../schemas/linked-signal.ts';
import { afterFailure, type CallVerdict, MAX_HOLD_MS } from './retry-state.ts';

export type BreakerState = 'closed' | 'half-open' | 'open';

export interface GuardLimits {
  /** Calls under way at once; further ones wait. */
  readonly concurrency: number;
  /** Tries of one call in all, at least 1. */
  readonly attempts: number;
  /** Longest single try, in milliseconds. */
  readonly timeoutMs: number;
  /** Pause after the first failure, doubled after each further one, up to `maxBackoffMs`; milliseconds. */
  readonly firstBackoffMs: number;
  readonly maxBackoffMs: number;
  /** Failures in a row that say `down` before calls are refused, and how long they then are; milliseconds. */
  readonly breakAfter: number;
  readonly openMs: number;
}

export interface GuardSettings extends GuardLimits {
  readonly judge: (error: unknown) => CallVerdict;
  /** The error of a call that is not made: the breaker is open, the service asked to wait for longer, nobody wants it, or all is closed. */
  readonly refusal: (why: string) => Error;
  readonly onBreaker?: (state: BreakerState) => void;
}

export interface GuardedCalls {
  /**
   * The signal ends at the deadline of the try, and when the guard is closed. `wanted` is asked before each try, however long the
   * call waited for it. Errors: the last try's, or `refusal`.
   */
  run<T>(call: (signal: AbortSignal) => Promise<T>, wanted?: () => boolean): Promise<T>;
  breaker(): BreakerState;
  close(): void;
}

const STATES: Readonly<Record<CircuitState, BreakerState>> = {
  [CircuitState.Closed]: 'closed',
  [CircuitState.HalfOpen]: 'half-open',
  [CircuitState.Open]: 'open',
  [CircuitState.Isolated]: 'open',
};

class Unwanted extends Error {}

export const createGuardedCalls = (settings: GuardSettings): GuardedCalls => {
  const breaker = circuitBreaker(
    handleWhen((error) => settings.judge(error).down),
    { halfOpenAfter: settings.openMs, breaker: new ConsecutiveBreaker(settings.breakAfter) },
  );
  breaker.onStateChange((state) => settings.onBreaker?.(STATES[state]));
  const places = bulkhead(settings.concurrency, Number.MAX_SAFE_INTEGER);
  const closed = new AbortController();
  /** Milliseconds since 1970: the service asked for no call before it. */
  let notBefore = 0;

  const untilAllowed = async (): Promise<void> => {
    const waitMs = notBefore - Date.now();
    if (waitMs <= 0) return;
    if (waitMs > settings.maxBackoffMs)
      throw settings.refusal(`it asked for no call for another ${Math.ceil(waitMs / 1_000)} s`);
    await sleep(waitMs, undefined, { signal: closed.signal });
    return untilAllowed();
  };

  const tryCall = async <T>(
    call: (signal: AbortSignal) => Promise<T>,
    wanted?: () => boolean,
  ): Promise<T> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await untilAllowed();
        if (wanted?.() === false) throw new Unwanted();
        return await breaker.execute(() =>
          withSignals([AbortSignal.timeout(settings.timeoutMs), closed.signal], call),
        );
      } catch (error) {
        if (closed.signal.aborted) throw settings.refusal('it was closed');
        if (error instanceof Unwanted) throw settings.refusal('nobody waits for the answer any more');
        if (error instanceof BrokenCircuitError)
          throw settings.refusal(
            `it failed ${settings.breakAfter} times in a row and is left alone for a while`,
          );
        const verdict = settings.judge(error);
        const next = afterFailure(settings, attempt, verdict, Math.random());
        if (verdict.afterMs !== null)
          notBefore = Math.max(notBefore, Date.now() + Math.min(verdict.afterMs, MAX_HOLD_MS));
        if (next.kind === 'give-up') throw error;
        await sleep(next.waitMs, undefined, { signal: closed.signal }).catch(() => {
          throw settings.refusal('it was closed');
        });
      }
    }
  };

  return {
    run: (call, wanted) => places.execute(() => tryCall(call, wanted)),
    breaker: () => STATES[breaker.state],
    close: () => closed.abort(),
  };
};
