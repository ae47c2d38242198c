/**
 * A circuit breaker as a state that several processes can share: plain JSON, moved on by what calls came to. Pure; times
 * are handed in, in milliseconds of one clock.
 *
 * closed → open after so many failures in a row; open → half-open once its time is over, by one trial call; half-open →
 * closed when it succeeds, open again when it fails. A trial whose outcome never comes makes room for another after
 * the same time. What became of a call that was allowed before the breaker opened moves it no more until it is closed; that
 * comes later counts as any other.
 */
import type { BreakerState } from './guarded-calls.ts';

export interface BreakerSettings {
  /** In a row. */
  readonly failures: number;
  readonly openMs: number;
}

export type Breaker =
  | { readonly state: 'closed'; readonly failures: number }
  /** `opened`: at which time; left out where nobody knows. */
  | { readonly state: 'open'; readonly until: number; readonly opened?: number }
  /** Another trial may begin at `until`. */
  | { readonly state: 'half-open'; readonly until: number; readonly opened?: number };

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

/** Tools of two agents may have one name and ask different servers. */
export const guardedToolOf = (agent: string, tool: string): GuardedName => `tool:${agent}/${tool}`;

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
  return { breaker: { ...breaker, state: 'half-open', until: now + openMs }, verdict: { allowed: true } };
};

/**
 * Whether a call that was allowed `sinceMs` ago tries the breaker. Others were allowed before it opened, and a trial no sooner than
 * `openMs` after it: half of that is left for clocks that are set meanwhile.
 */
const isTrial = (
  { opened }: Exclude<Breaker, { readonly state: 'closed' }>,
  openMs: number,
  now: number,
  sinceMs: number,
): boolean => opened === undefined || now - sinceMs > opened + openMs / 2;

/** `sinceMs`: how long ago the call was allowed. */
export const afterCall = (
  breaker: Breaker,
  { failures, openMs }: BreakerSettings,
  now: number,
  succeeded: boolean,
  sinceMs = 0,
): Breaker => {
  switch (breaker.state) {
    case 'closed': {
      if (succeeded) return breaker.failures === 0 ? breaker : CLOSED;
      const count = breaker.failures + 1;
      return count >= failures
        ? { state: 'open', until: now + openMs, opened: now }
        : { state: 'closed', failures: count };
    }
    case 'open':
      return breaker;
    case 'half-open':
      if (!isTrial(breaker, openMs, now, sinceMs)) return breaker;
      return succeeded ? CLOSED : { state: 'open', until: now + openMs, opened: now };
    default:
      return breaker satisfies never;
  }
};

/** After a call that was allowed and then not made: a trial is given back, and whoever asks next makes it. */
export const withoutCall = (
  breaker: Breaker,
  { openMs }: BreakerSettings,
  now: number,
  sinceMs = 0,
): Breaker =>
  breaker.state === 'half-open' && isTrial(breaker, openMs, now, sinceMs)
    ? { ...breaker, state: 'open', until: now }
    : breaker;

/** Undefined for what is no breaker: the text can be written by anyone who reaches the server that holds it. */
export const parseBreaker = (text: string): Breaker | undefined => {
  try {
    const value = JSON.parse(text) as Partial<
      Record<'state' | 'failures' | 'until' | 'opened', unknown>
    > | null;
    const { state, failures, until, opened } = value ?? {};
    if (state === 'closed' && Number.isInteger(failures)) return { state, failures: Number(failures) };
    if ((state === 'open' || state === 'half-open') && Number.isFinite(until))
      return { state, until: Number(until), ...(Number.isFinite(opened) ? { opened: Number(opened) } : {}) };
    return undefined;
  } catch {
    return undefined;
  }
};
