/** The plan of a chaos run follows from its seed, and no fault of it outlives the load. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseUsd } from '../../schemas/money.ts';
import type { ChaosTerms } from './chaos-plan.ts';
import { planChaos } from './plan-chaos.ts';

const termsOf = (seed: number, forMs: number, restartBroker: boolean): ChaosTerms => ({
  seed,
  forMs,
  restartBroker,
  workers: ['worker-1', 'worker-2', 'worker-3'],
  projection: 'projection',
  gateway: 'gateway',
  sessionTimeoutMs: 6_000,
  tasksPerSecond: 8,
});
const anyTerms = fc
  .tuple(fc.integer({ min: 0, max: 2 ** 31 }), fc.integer({ min: 15_000, max: 240_000 }), fc.boolean())
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

test('nothing is struck while it is dead or stopped, all are back when the load ends, and a stop outlasts the session', () => {
  fc.assert(
    fc.property(anyTerms, (terms) => {
      const { faults } = planChaos(terms);
      const backAt = new Map<string, number>();
      for (const { atMs, fault } of faults) {
        if (fault.kind === 'restart-broker') {
          expect(terms.restartBroker).toBe(true);
          continue;
        }
        const victim = fault.kind === 'kill-redis' ? 'redis' : fault.process;
        const lasts = 'backAfterMs' in fault ? fault.backAfterMs : 'forMs' in fault ? fault.forMs : 0;
        expect(atMs).toBeGreaterThanOrEqual(backAt.get(victim) ?? 0);
        if (fault.kind === 'stop') expect(fault.forMs).toBeGreaterThan(terms.sessionTimeoutMs);
        expect(atMs + lasts).toBeLessThanOrEqual(terms.forMs);
        backAt.set(victim, atMs + lasts);
      }
    }),
    { numRuns: 60 },
  );
});

test('a minute strikes in every way', () => {
  for (let seed = 1; seed <= 50; seed += 1) {
    const faults = planChaos(termsOf(seed, 60_000, true)).faults.map(({ fault }) => fault);
    const kinds = new Set(faults.map(({ kind }) => kind));
    expect([...kinds].sort()).toEqual(['cut', 'cut-redis', 'kill', 'kill-redis', 'restart-broker', 'stop']);
    const killed = new Set(faults.map((fault) => (fault.kind === 'kill' ? fault.process : '')));
    for (const name of ['gateway', 'projection']) expect(killed).toContain(name);
  }
});

test('tasks come both ways, of both agents, in sessions and without, and the budget of the day holds some but not all of them', () => {
  for (let seed = 1; seed <= 50; seed += 1) {
    const { tasks, dayUsd } = planChaos(termsOf(seed, 60_000, true));
    const some = (holds: (task: (typeof tasks)[number]) => boolean): boolean =>
      tasks.some(holds) && !tasks.every(holds);
    expect(some(({ via }) => via === 'gateway')).toBe(true);
    expect(some(({ againAfterMs }) => againAfterMs !== null)).toBe(true);
    expect(some(({ agent }) => agent === 'thrifty')).toBe(true);
    expect(some(({ sessionId }) => sessionId !== null)).toBe(true);
    const thrifty = tasks.filter(({ agent }) => agent === 'thrifty');
    const each = parseUsd('0.006') * BigInt(thrifty.length);
    expect(parseUsd(dayUsd)).toBeGreaterThan(0n);
    expect(parseUsd(dayUsd)).toBeLessThan(each);
  }
});
