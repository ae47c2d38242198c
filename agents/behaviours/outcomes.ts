/** How the executions of a rollout ended, by version: folded from freshet.results and freshet.feedback, which keep them all. Pure but for being kept in place. */
import type { EndCode } from '../../schemas/execution-payloads.ts';
import { type Picodollars, parseUsd } from '../../schemas/money.ts';
import type { Feedback, Result } from '../../schemas/records.ts';
import type { Rollout } from '../../schemas/rollout.ts';
import type { Sample } from './evidence.ts';
import { createSpread, type Spread } from './spread.ts';

/** Of one version. */
export interface Outcomes {
  readonly executions: number;
  readonly failed: number;
  readonly halted: number;
  /** Of people's scores, 0 to 1. */
  readonly scores: Sample;
  readonly usd: Picodollars;
  /** Picodollars. */
  readonly costs: Spread;
  /** Microseconds, from the first claim to the end. */
  readonly durations: Spread;
}

export interface RolloutOutcomes {
  readonly stable: Outcomes;
  readonly candidate: Outcomes;
}

export interface RolloutTally {
  result(result: Result): void;
  feedback(feedback: Feedback): void;
  outcomes(): RolloutOutcomes;
}

/** Ends that a person chose say nothing of a version. */
const BY_PEOPLE: ReadonlySet<string> = new Set<EndCode>(['cancelled', 'killed']);
/** By then it is known which version is the better one. */
const MOST_EXECUTIONS = 500_000;

type Counted = {
  -readonly [Field in Exclude<keyof Outcomes, 'scores'>]: Outcomes[Field];
};

const nothing = (): Counted => ({
  ...{ executions: 0, failed: 0, halted: 0, usd: 0n },
  costs: createSpread(),
  durations: createSpread(),
});

/** Only what was begun since the rollout was: of both versions the same stretch of time. */
export const createRolloutTally = ({
  agent,
  began,
  stable,
  candidate,
}: Pick<Rollout, 'agent' | 'began' | 'stable' | 'candidate'>): RolloutTally => {
  const counted = new Map([stable, candidate].map((version) => [version, nothing()]));
  /** The version of each task that is counted: a result may be written twice. */
  const versions = new Map<string, string>();
  /** The newest of one person about one task holds. */
  const scores = new Map<string, Pick<Feedback, 'taskId' | 'score'>>();

  const scoresOf = (version: string): Sample => {
    const given = [...scores.values()].filter(({ taskId }) => versions.get(taskId) === version);
    return { count: given.length, sum: given.reduce((sum, { score }) => sum + score, 0) };
  };

  const outcomesOf = (version: string): Outcomes => ({
    ...(counted.get(version) ?? nothing()),
    scores: scoresOf(version),
  });

  return {
    result: ({ taskId, behaviour, outcome, error, costUsd, startedAt, completedAt, ...result }) => {
      const tally = counted.get(behaviour);
      if (result.agent !== agent || !tally || startedAt < began || versions.has(taskId)) return;
      if (BY_PEOPLE.has(error?.code ?? '') || versions.size >= MOST_EXECUTIONS) return;
      const usd = parseUsd(costUsd);
      versions.set(taskId, behaviour);
      tally.executions += 1;
      if (outcome !== 'completed') tally[outcome] += 1;
      tally.usd += usd;
      tally.costs.add(Number(usd));
      tally.durations.add(Math.max(0, completedAt - startedAt));
    },
    feedback: ({ taskId, by, score, at, ...feedback }) => {
      if (feedback.agent === agent && at >= began)
        scores.set(JSON.stringify([taskId, by]), { taskId, score });
    },
    outcomes: () => ({ stable: outcomesOf(stable), candidate: outcomesOf(candidate) }),
  };
};
