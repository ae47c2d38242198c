/** Random callers against the limits: they come, go, give up, use less or more than they reserved, and time goes by. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  admit,
  begin,
  enqueue,
  type LimiterLimits,
  type LimiterState,
  NO_CALLS,
  settle,
  WINDOW_MS,
  withdraw,
} from '../../../../connectors/models/language/limiter-state.ts';

const UNLIMITED: LimiterLimits = {
  concurrency: Number.POSITIVE_INFINITY,
  requestsPerMinute: Number.POSITIVE_INFINITY,
  tokensPerMinute: Number.POSITIVE_INFINITY,
};
const upTo = (max: number) =>
  fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 1, max }) }, fc.constant(Number.POSITIVE_INFINITY));
const LIMITS: fc.Arbitrary<LimiterLimits> = fc.record({
  concurrency: upTo(4),
  requestsPerMinute: upTo(6),
  tokensPerMinute: upTo(500),
});
const EVENTS = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant('come' as const), tokens: fc.integer({ min: 0, max: 700 }) }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('end' as const),
        which: fc.nat(20),
        /** Share of the reservation; null: nobody knows. */
        used: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('give-up' as const), which: fc.nat(20) }) },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 40_000 }) }),
    },
  ),
  { maxLength: 120, size: 'max' },
);

interface Went {
  readonly id: number;
  readonly at: number;
  /** What it counts for: reserved, then used. */
  tokens: number;
}

test('never above the limits in any window, first come first served', () => {
  fc.assert(
    fc.property(LIMITS, EVENTS, (limits, events) => {
      let state: LimiterState = NO_CALLS;
      let now = 0;
      let ids = 0;
      const came: { id: number; tokens: number }[] = [];
      const went: Went[] = [];
      const running: Went[] = [];
      const look = (): void => {
        const admission = admit(state, limits, now);
        ({ state } = admission);
        for (const id of admission.admitted) {
          const call = { id, at: now, tokens: came.find((each) => each.id === id)?.tokens ?? 0 };
          went.push(call);
          running.push(call);
        }
        expect(running.length).toBeLessThanOrEqual(limits.concurrency);
        const window = went.filter(({ at }) => at + WINDOW_MS > now);
        expect(window.length).toBeLessThanOrEqual(limits.requestsPerMinute);
        const counting = window.filter(({ tokens }) => tokens > 0);
        // One that is over the limit by itself goes alone.
        if (counting.length > 1)
          expect(counting.reduce((sum, { tokens }) => sum + tokens, 0)).toBeLessThanOrEqual(
            limits.tokensPerMinute,
          );
        if (admission.nextAt !== null) expect(admission.nextAt).toBeGreaterThan(now);
        // Whoever is left is left for a reason.
        if (state.waiting.length > 0)
          expect(admission.nextAt !== null || running.length >= limits.concurrency).toBe(true);
      };
      for (const event of events) {
        if (event.kind === 'pass') now += event.ms;
        if (event.kind === 'come') {
          const call = { id: ids++, tokens: event.tokens };
          came.push(call);
          state = enqueue(state, call);
        }
        if (event.kind === 'give-up') {
          const waiting = state.waiting[event.which % Math.max(1, state.waiting.length)];
          if (waiting) state = withdraw(state, waiting.id);
        }
        const [call] =
          event.kind === 'end' ? running.splice(event.which % Math.max(1, running.length), 1) : [];
        if (event.kind === 'end' && call) {
          const used = event.used === null ? null : Math.floor(call.tokens * event.used);
          state = settle(state, call.id, used);
          if (used !== null) call.tokens = used;
        }
        look();
      }
      const order = went.map(({ id }) => id);
      expect(order).toEqual([...order].sort((a, b) => a - b));
    }),
    { numRuns: 500 },
  );
});

test('nobody starves: with calls that end, and time, everyone goes', () => {
  fc.assert(
    fc.property(
      LIMITS,
      fc.array(fc.integer({ min: 0, max: 2_000 }), { maxLength: 40, size: 'max' }),
      (limits, calls) => {
        let state = calls.reduce((sum, tokens, id) => enqueue(sum, { id, tokens }), NO_CALLS);
        let now = 0;
        let rounds = 0;
        while (state.waiting.length > 0) {
          const admission = admit(state, limits, now);
          ({ state } = admission);
          for (const id of admission.admitted) state = settle(state, id, null);
          now = Math.max(now, admission.nextAt ?? now);
          rounds += 1;
          expect(rounds).toBeLessThanOrEqual(2 * calls.length + 2);
        }
      },
    ),
  );
});

test('what was reserved and not used is given back at once', () => {
  const limits = { ...UNLIMITED, tokensPerMinute: 100 };
  const waiting = [90, 60].reduce((sum, tokens, id) => enqueue(sum, { id, tokens }), NO_CALLS);
  const first = admit(waiting, limits, 0);
  expect(first).toMatchObject({ admitted: [0], nextAt: WINDOW_MS });
  expect(admit(settle(first.state, 0, 40), limits, 5).admitted).toEqual([1]);
});

test('a reservation that turned out too small holds back those behind it', () => {
  const limits = { ...UNLIMITED, tokensPerMinute: 100 };
  const first = admit(enqueue(NO_CALLS, { id: 0, tokens: 10 }), limits, 0);
  const settled = enqueue(settle(first.state, 0, 400), { id: 1, tokens: 10 });
  expect(admit(settled, limits, 5)).toMatchObject({ admitted: [], nextAt: WINDOW_MS });
  expect(admit(settled, limits, WINDOW_MS).admitted).toEqual([1]);
});

test('without limits by the minute nothing is kept of what went', () => {
  const { state } = admit(enqueue(NO_CALLS, { id: 0, tokens: 10 }), UNLIMITED, 0);
  expect(state.counted).toEqual([]);
});

test('calls that go by the word of others count for a minute, too, and are then let go of', () => {
  const limits = { ...UNLIMITED, requestsPerMinute: 1_000 };
  let state = NO_CALLS;
  for (let id = 0; id < 600; id += 1) {
    const now = id * 1_000;
    state = begin(enqueue(state, { id, tokens: 1 }), limits, [id], now);
    state = settle(state, id, 1);
    expect(state.counted.every(({ at }) => at + WINDOW_MS > now)).toBe(true);
  }
  expect(state.counted).toHaveLength(60);
});
