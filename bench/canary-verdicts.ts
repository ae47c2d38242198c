/**
 * How often a canary is rolled back that is no worse, and how many of its executions it takes to find one that is: rollouts simulated
 * by seeds, looked at after every task, at the policy that ships. No clock is in it: the same figures on every machine.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { CanaryVerdict } from '../agents/behaviours/canary-verdict.ts';
import { type Bench, type Figure, percentile } from './support/bench.ts';
import { type Doing, simulate } from './support/simulated-rollout.ts';

const USUAL: Doing = { failureRate: 0.02 };

interface Case {
  readonly name: string;
  readonly stable: Doing;
  readonly candidate: Doing;
  readonly share: number;
  readonly tasks: number;
  readonly rollouts: number;
  readonly inSessions?: boolean;
  readonly isDecided?: (verdict: CanaryVerdict) => boolean;
}

const same = (doing: Doing, share: number, more: Partial<Case> = {}): Case => ({
  name: `no worse, failing in ${100 * doing.failureRate} %, share ${100 * share} %`,
  ...{ stable: doing, candidate: doing, share, tasks: 400, rollouts: 500 },
  ...more,
});
const worse = (name: string, candidate: Partial<Doing>, share: number): Case => ({
  name: `${name}, share ${100 * share} %`,
  ...{ stable: USUAL, candidate: { ...USUAL, ...candidate }, share, tasks: 4_000, rollouts: 100 },
});
const isReady = ({ state }: CanaryVerdict): boolean => state !== 'collecting';

const NO_WORSE: readonly Case[] = [
  same(USUAL, 0.05),
  same(USUAL, 0.25),
  same(USUAL, 0.5),
  same({ failureRate: 0.2 }, 0.25),
  same({ failureRate: 0 }, 0.25),
  same({ failureRate: 0.2 }, 0.25, {
    name: 'no worse, failing in 20 % of sessions of ten tasks, share 25 %',
    ...{ tasks: 1_000, inSessions: true },
  }),
];
const WORSE: readonly Case[] = [
  worse('fails in 30 % against 2 %', { failureRate: 0.3 }, 0.05),
  worse('fails in 30 % against 2 %', { failureRate: 0.3 }, 0.25),
  worse('fails in 30 % against 2 %', { failureRate: 0.3 }, 0.5),
  worse('fails in 50 % against 2 %', { failureRate: 0.5 }, 0.25),
  worse('fails in 10 % against 2 %', { failureRate: 0.1 }, 0.25),
  worse('four times the cost', { usd: 0.04 }, 0.25),
  worse('five times the duration', { ms: 20_000 }, 0.25),
  worse('mean score 0.5 against 0.8', { score: 0.5 }, 0.25),
];
const READY: readonly Case[] = [
  { ...worse('as good', {}, 0.25), isDecided: isReady },
  { ...worse('never fails', { failureRate: 0 }, 0.25), isDecided: isReady },
];

export const canaryVerdictsBench: Bench = {
  name: 'canary-verdicts',
  measures: 'simulated rollouts of a candidate: false rollbacks, and executions until a worse one is found',
  runs: 1,
  run: async (tell, signal) => {
    const figures: Record<string, Figure> = {};
    const decided = async ({ name, rollouts, isDecided, ...of }: Case) => {
      const executions: number[] = [];
      for (let seed = 1; seed <= rollouts; seed += 1) {
        signal.throwIfAborted();
        const found = simulate(seed, of, isDecided);
        if (found.verdict) executions.push(found.executions);
        await turn();
      }
      tell(`${name}: ${executions.length} of ${rollouts}`);
      return executions;
    };
    for (const each of NO_WORSE) {
      const share = (await decided(each)).length / each.rollouts;
      figures[`${each.name}: rolled back`] = { value: share, unit: '', target: { atMost: 0.01 } };
    }
    for (const [cases, what] of [
      [WORSE, 'rolled back'],
      [READY, 'ready'],
    ] as const)
      for (const each of cases) {
        const executions = await decided(each);
        figures[`${each.name}: ${what}`] = { value: executions.length / each.rollouts, unit: '' };
        figures[`${each.name}: after`] = { value: percentile(executions, 50), unit: 'executions' };
        figures[`${each.name}: after at most`] = { value: percentile(executions, 100), unit: 'executions' };
      }
    return figures;
  },
};
