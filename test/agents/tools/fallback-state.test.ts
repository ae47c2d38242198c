import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  CHAIN_BEGUN,
  type ChainPolicy,
  type ChainState,
  nextMove,
} from '../../../agents/tools/fallback-state.ts';

const POLICY: fc.Arbitrary<ChainPolicy> = fc
  .record({
    retries: fc.array(fc.nat(3), { minLength: 1, maxLength: 4 }),
    freshMs: fc.option(fc.integer({ min: 1, max: 60_000 })),
    stale: fc.boolean(),
    answer: fc.constantFrom(undefined, null, 'none at hand'),
  })
  .map(({ retries, ...policy }) => ({
    ...policy,
    tools: retries.map((each, index) => ({ name: `tool-${index}`, retries: each })),
  }));
const FAILURES = fc.array(
  fc.record({ retryable: fc.boolean(), retryAfterMs: fc.option(fc.nat(6_000)), tookMs: fc.nat(3_000) }),
  { minLength: 30, maxLength: 30 },
);

test('everything fails: each thing is tried in order, as often as its policy says, and it ends', () => {
  fc.assert(
    fc.property(POLICY, FAILURES, fc.integer({ min: 1, max: 60_000 }), (policy, failures, limitMs) => {
      let state: ChainState = CHAIN_BEGUN;
      let leftMs = limitMs;
      const order: string[] = [];
      const calls = new Map<string, number>();
      for (let round = 0; ; round += 1) {
        const bound = policy.tools.reduce((sum, { retries }) => sum + retries + 1, 3);
        expect(round).toBeLessThanOrEqual(bound);
        const move = nextMove(policy, state, leftMs, 0.5);
        order.push(move.kind);
        if (move.kind === 'look-for-fresh') state = { ...state, lookedForFresh: true };
        else if (move.kind === 'look-for-stale') state = { ...state, lookedForStale: true };
        else if (move.kind === 'call') {
          const { retryable, retryAfterMs, tookMs } = failures[round] ?? {
            retryable: true,
            retryAfterMs: 0,
            tookMs: 1,
          };
          expect(leftMs).toBeGreaterThan(move.waitMs);
          const before = state.failures.filter(({ tool }) => tool === move.tool);
          expect(move.attempt).toBe(before.length + 1);
          if (move.attempt > 1) {
            expect(before.at(-1)?.retryable).toBe(true);
            expect(move.waitMs).toBeGreaterThanOrEqual(before.at(-1)?.retryAfterMs ?? 1);
          }
          calls.set(move.tool, move.attempt);
          leftMs -= move.waitMs + tookMs;
          state = { ...state, failures: [...state.failures, { tool: move.tool, retryable, retryAfterMs }] };
        } else {
          expect(move.kind).toBe(policy.answer === undefined ? 'give-up' : 'state');
          break;
        }
      }
      for (const { name, retries } of policy.tools)
        expect(calls.get(name) ?? 0).toBeLessThanOrEqual(retries + 1);
      expect(order.includes('look-for-fresh')).toBe(policy.freshMs !== null);
      expect(order.includes('look-for-stale')).toBe(policy.stale);
      const rank = ['look-for-fresh', 'call', 'look-for-stale', 'state', 'give-up'];
      expect(order).toEqual([...order].sort((a, b) => rank.indexOf(a) - rank.indexOf(b)));
    }),
    { numRuns: 500 },
  );
});

test('a tool that asks to be left alone for longer than a pause may be is left, and the next one stands in', () => {
  const tools = [
    { name: 'first', retries: 3 },
    { name: 'second', retries: 0 },
  ];
  const policy = { tools, freshMs: null, stale: false, answer: undefined };
  const failures = [{ tool: 'first', retryable: true, retryAfterMs: 60_000 }];
  expect(nextMove(policy, { ...CHAIN_BEGUN, failures }, 120_000, 0)).toEqual({
    kind: 'call',
    tool: 'second',
    attempt: 1,
    waitMs: 0,
  });
});
