/**
 * Which calls of a provider may go now: so many at once, so many requests and tokens in any 60 seconds, first come first
 * served. Pure; times are milliseconds of any clock that does not go back.
 *
 * A call reserves its estimate and settles to what it used; it counts for 60 seconds from when it went. One whose estimate
 * is over the whole limit of tokens waits until it has the window to itself.
 */

export interface LimiterLimits {
  /** Calls under way at once. Infinity: any number, here and below. */
  readonly concurrency: number;
  readonly requestsPerMinute: number;
  readonly tokensPerMinute: number;
}

export interface WaitingCall {
  readonly id: number;
  /** Reserved when it goes. */
  readonly tokens: number;
}

export interface CountedCall extends WaitingCall {
  readonly at: number;
}

export interface LimiterState {
  /** Calls under way. */
  readonly running: ReadonlySet<number>;
  /** What went in the last 60 seconds, oldest first. Empty where nothing is limited by the minute. */
  readonly counted: readonly CountedCall[];
  /** In the order they came. */
  readonly waiting: readonly WaitingCall[];
}

export interface Admission {
  readonly state: LimiterState;
  /** Calls that go now, in order. */
  readonly admitted: readonly number[];
  /** When the first of those left may go, as far as time alone decides; null: only a call that ends can help, or none waits. */
  readonly nextAt: number | null;
}

export const WINDOW_MS = 60_000;

export const NO_CALLS: LimiterState = { running: new Set(), counted: [], waiting: [] };

export const enqueue = (state: LimiterState, call: WaitingCall): LimiterState => ({
  ...state,
  waiting: [...state.waiting, call],
});

/** A call that no longer waits: its caller gave up. */
export const withdraw = (state: LimiterState, id: number): LimiterState => ({
  ...state,
  waiting: state.waiting.filter((call) => call.id !== id),
});

/** A call that has ended, and the tokens it used: null where nobody knows, then its reservation stands. */
export const settle = (state: LimiterState, id: number, tokens: number | null): LimiterState => {
  const running = new Set(state.running);
  running.delete(id);
  const counted =
    tokens === null
      ? state.counted
      : state.counted.map((call) => (call.id === id ? { ...call, tokens } : call));
  return { ...state, running, counted };
};

/** Calls that go now, by whoever's word; those that no longer wait are passed over. */
export const begin = (
  state: LimiterState,
  limits: LimiterLimits,
  ids: readonly number[],
  now: number,
): LimiterState => {
  const going = new Set(ids);
  const calls = state.waiting.filter(({ id }) => going.has(id));
  if (calls.length === 0) return state;
  return {
    running: new Set([...state.running, ...calls.map(({ id }) => id)]),
    counted: isByTheMinute(limits)
      ? [...standingAt(state.counted, now), ...calls.map((call) => ({ ...call, at: now }))]
      : state.counted,
    waiting: state.waiting.filter(({ id }) => !going.has(id)),
  };
};

/** Those that still count. */
const standingAt = (counted: readonly CountedCall[], now: number): readonly CountedCall[] =>
  counted.filter((call) => call.at + WINDOW_MS > now);

const isByTheMinute = ({ requestsPerMinute, tokensPerMinute }: LimiterLimits): boolean =>
  Number.isFinite(requestsPerMinute) || Number.isFinite(tokensPerMinute);

export const admit = (state: LimiterState, limits: LimiterLimits, now: number): Admission => {
  const counted = [...standingAt(state.counted, now)];
  const running = new Set(state.running);
  const admitted: number[] = [];
  let tokens = counted.reduce((sum, call) => sum + call.tokens, 0);
  let nextAt: number | null = null;
  for (const call of state.waiting) {
    if (running.size >= limits.concurrency) break;
    nextAt = allowedAt(counted, tokens, call, limits);
    if (nextAt !== null) break;
    running.add(call.id);
    admitted.push(call.id);
    tokens += call.tokens;
    counted.push({ ...call, at: now });
  }
  return { state: begin(state, limits, admitted, now), admitted, nextAt };
};

/** When enough of the window has gone by for a call, as things stand; null: now. */
const allowedAt = (
  counted: readonly CountedCall[],
  tokens: number,
  call: WaitingCall,
  limits: LimiterLimits,
): number | null => {
  // Over the whole limit, it is measured as if it were just the limit: it goes alone.
  const wanted = Math.min(call.tokens, limits.tokensPerMinute);
  let requests = counted.length;
  let used = tokens;
  if (requests < limits.requestsPerMinute && used + wanted <= limits.tokensPerMinute) return null;
  for (const gone of counted) {
    requests -= 1;
    used -= gone.tokens;
    if (requests < limits.requestsPerMinute && used + wanted <= limits.tokensPerMinute)
      return gone.at + WINDOW_MS;
  }
  return null;
};
