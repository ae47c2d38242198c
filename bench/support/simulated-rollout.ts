/** Rollouts of a candidate as they might go, by a seed: every task of two versions, looked at as it ends. */
import { type CanaryVerdict, canaryVerdict } from '../../agents/behaviours/canary-verdict.ts';
import { createRolloutTally, type RolloutTally } from '../../agents/behaviours/outcomes.ts';
import { seededRandom } from '../../connectors/sample-source/seeded-random.ts';
import type { CanaryPolicy } from '../../schemas/canary-policy.ts';
import { formatUsd } from '../../schemas/money.ts';
import type { Result } from '../../schemas/records.ts';

/** How a version does. */
export interface Doing {
  readonly failureRate: number;
  /** Mean of its scores; every fifth task gets one. */
  readonly score?: number;
  /** Of the median execution; both are log-normal, the slowest twentieth five times as much. */
  readonly usd?: number;
  readonly ms?: number;
}

export const POLICY: CanaryPolicy = {
  ...{ minExecutions: 10, tolerance: 0.05, maxFailureRate: 0.5 },
  ...{ costFactor: 2, durationFactor: 2, falseAlarms: 0.01 },
};
const ROLLOUT = { agent: 'support', began: 0, stable: '1', candidate: '2' };

export const resultOf = (over: Partial<Result>): Result => ({
  ...{ taskId: 't', executionId: 'e', agent: 'support', behaviour: '1', tenant: 'acme', sessionId: null },
  ...{
    outcome: 'completed',
    output: null,
    error: null,
    partial: null,
    receipt: '{}',
    costUsd: '0',
    steps: 1,
  },
  ...{ createdAt: 1, startedAt: 1, completedAt: 2 },
  ...over,
});

export const newTally = (most?: number): RolloutTally => createRolloutTally(ROLLOUT, most);

const SESSION_TASKS = 10;

export interface Simulated {
  /** The first verdict beside `collecting`; null: none in so many tasks. */
  readonly verdict: CanaryVerdict | null;
  /** Of the candidate by then. */
  readonly executions: number;
}

/** `isDecided`: what ends it. */
export const simulate = (
  seed: number,
  of: {
    readonly stable: Doing;
    readonly candidate: Doing;
    readonly share: number;
    readonly tasks: number;
    /** In sessions of ten, whose tasks fail, cost and take the same; else each by itself. */
    readonly inSessions?: boolean;
  },
  isDecided: (verdict: CanaryVerdict) => boolean = ({ state }) => state === 'worse',
): Simulated => {
  const random = seededRandom('rollout', seed).fraction;
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const tally = newTally();
  const draw = () => {
    const isCandidate = random() < of.share;
    const { failureRate, score = 0.8, usd = 0.01, ms = 4_000 } = isCandidate ? of.candidate : of.stable;
    return {
      behaviour: isCandidate ? '2' : '1',
      outcome: random() < failureRate ? ('failed' as const) : ('completed' as const),
      costUsd: formatUsd(BigInt(Math.round(usd * Math.exp(normal()) * 1e12))),
      completedAt: 1 + Math.round(ms * Math.exp(normal()) * 1_000),
      score: random() < score ? 1 : 0,
    };
  };
  let drawn = draw();
  for (let task = 0; task < of.tasks; task += 1) {
    const taskId = String(task);
    if (!of.inSessions || task % SESSION_TASKS === 0) drawn = draw();
    const { score, ...result } = drawn;
    const { behaviour } = result;
    const sessionId = of.inSessions ? String(Math.floor(task / SESSION_TASKS)) : null;
    tally.result(resultOf({ ...result, taskId, sessionId }));
    if (random() < 0.2)
      tally.feedback({
        ...{ taskId, executionId: taskId, agent: 'support', behaviour, tenant: null, comment: null },
        ...{ score, by: 'ann', at: 2 },
      });
    const outcomes = tally.outcomes();
    const verdict = canaryVerdict(outcomes, POLICY);
    if (isDecided(verdict)) return { verdict, executions: outcomes.candidate.executions };
  }
  return { verdict: null, executions: tally.outcomes().candidate.executions };
};
