/** The plan of a chaos run follows from its seed, and no fault of it outlives the load. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ChaosTerms, planChaos } from './plan-chaos.ts';

const termsOf = (seed: number, forMs: number, restartBroker: boolean): ChaosTerms => ({
  seed,
  forMs,
  restartBroker,
  workers: ['worker-1', 'worker-2', 'worker-3'],
  projection: 'projection',
  sessionTimeoutMs: 6_000,
  tasksPerSecond: 8,
});
const anyTerms = fc
  .tuple(fc.integer({ min: 0, max: 2 ** 31 }), fc.integer({ min: 15_000, max: 600_000 }), fc.boolean())
  .map(([seed, forMs, restartBroker]) => termsOf(seed, forMs, restartBroker));

test('the same seed gives the same plan, another seed another one', () => {
  fc.assert(
    fc.property(anyTerms, (terms) => {
      expect(planChaos(terms)).toEqual(planChaos(terms));
      expect(planChaos(terms)).not.toEqual(planChaos({ ...terms, seed: terms.seed + 1 }));
    }),
    { numRuns: 30 },
  );
});

test('no process is struck while it is dead or stopped, all are back when the load ends, and a stop outlasts the session', () => {
  fc.assert(
    fc.property(anyTerms, (terms) => {
      const { faults } = planChaos(terms);
      const backAt = new Map<string, number>();
      for (const { atMs, fault } of faults) {
        if (fault.kind === 'restart-broker') {
          expect(terms.restartBroker).toBe(true);
          continue;
        }
        const lasts = fault.kind === 'kill' ? fault.backAfterMs : fault.kind === 'stop' ? fault.forMs : 0;
        if (fault.process !== terms.projection)
          expect(atMs).toBeGreaterThanOrEqual(backAt.get(fault.process) ?? 0);
        if (fault.kind === 'stop') expect(fault.forMs).toBeGreaterThan(terms.sessionTimeoutMs);
        expect(atMs + lasts).toBeLessThanOrEqual(terms.forMs);
        backAt.set(fault.process, atMs + lasts);
      }
    }),
    { numRuns: 60 },
  );
});

test('a minute strikes in every way', () => {
  for (let seed = 1; seed <= 50; seed += 1) {
    const kinds = new Set(planChaos(termsOf(seed, 60_000, true)).faults.map(({ fault }) => fault.kind));
    expect([...kinds].sort()).toEqual(['cut', 'kill', 'restart-broker', 'stop']);
  }
});
