/**
 * A circuit breaker as a state that several processes can share: plain JSON, moved on by what calls came to. Pure; times
 * are handed in, in milliseconds of one clock.
 *
 * closed → open after so many failures in a row; open → half-open once its time is over, by one trial call; half-open →
 * closed when it succeeds, open again when it fails. A trial whose outcome never comes makes room for another after
 * the same time. What ends late, after a call that began before the breaker opened, does not close it.
 */
import type { BreakerState } from './guarded-calls.ts';

export interface BreakerSettings {
  /** In a row. */
  readonly failures: number;
  readonly openMs: number;
}

export type Breaker =
  | { readonly state: 'closed'; readonly failures: number }
  | { readonly state: 'open'; readonly until: number }
  /** Another trial may begin at `until`. */
  | { readonly state: 'half-open'; readonly until: number };

export type BreakerVerdict =
  | { readonly allowed: true }
  | {
      readonly allowed: false;
      /** Milliseconds since the Unix epoch: when a call may be tried. */
      readonly until: number;
      /** How long that is from now; null: a call is trying it now, and may close it sooner. */
      readonly waitMs: number | null;
    };

/** What calls go by that several workers make. */
export type GuardedName = `model:${string}` | `tool:${string}`;

/** Who shares the breakers of models and tools: all workers of agents. */
export const WORKERS = 'agents';

export const CLOSED: Breaker = { state: 'closed', failures: 0 };

export const DEFAULT_BREAKERS: Readonly<Record<'model' | 'tool', BreakerSettings>> = {
  model: { failures: 5, openMs: 30_000 },
  tool: { failures: 5, openMs: 60_000 },
};

export const breakerSettingsOf = (name: GuardedName): BreakerSettings =>
  name.startsWith('model:') ? DEFAULT_BREAKERS.model : DEFAULT_BREAKERS.tool;

/** Of freshet_breaker_state. */
export const BREAKER_GAUGE: Readonly<Record<BreakerState, number>> = { closed: 0, 'half-open': 1, open: 2 };

/** Whether a call may be made now, and the breaker after the question: of an open one, whoever asks first makes the trial. */
export const beforeCall = (
  breaker: Breaker,
  { openMs }: BreakerSettings,
  now: number,
): { readonly breaker: Breaker; readonly verdict: BreakerVerdict } => {
  if (breaker.state === 'closed') return { breaker, verdict: { allowed: true } };
  const { until } = breaker;
  const waitMs = breaker.state === 'open' ? until - now : null;
  if (now < until) return { breaker, verdict: { allowed: false, until, waitMs } };
  return { breaker: { state: 'half-open', until: now + openMs }, verdict: { allowed: true } };
};

export const afterCall = (
  breaker: Breaker,
  { failures, openMs }: BreakerSettings,
  now: number,
  succeeded: boolean,
): Breaker => {
  switch (breaker.state) {
    case 'closed': {
      if (succeeded) return breaker.failures === 0 ? breaker : CLOSED;
      const count = breaker.failures + 1;
      return count >= failures
        ? { state: 'open', until: now + openMs }
        : { state: 'closed', failures: count };
    }
    case 'open':
      return breaker;
    case 'half-open':
      return succeeded ? CLOSED : { state: 'open', until: now + openMs };
    default:
      return breaker satisfies never;
  }
};

/** After a call that was allowed and then not made: a trial is given back, and whoever asks next makes it. */
export const withoutCall = (breaker: Breaker, now: number): Breaker =>
  breaker.state === 'half-open' ? { state: 'open', until: now } : breaker;

/** Undefined for what is no breaker: the text can be written by anyone who reaches the server that holds it. */
export const parseBreaker = (text: string): Breaker | undefined => {
  try {
    const value = JSON.parse(text) as Partial<Record<'state' | 'failures' | 'until', unknown>> | null;
    const { state, failures, until } = value ?? {};
    if (state === 'closed' && Number.isInteger(failures)) return { state, failures: Number(failures) };
    if ((state === 'open' || state === 'half-open') && Number.isFinite(until))
      return { state, until: Number(until) };
    return undefined;
  } catch {
    return undefined;
  }
};
