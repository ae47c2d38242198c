/** How the executions of a rollout ended, by version: folded from freshet.results and freshet.feedback, which keep them all. Pure but for being kept in place. */
import { OF_NO_VERSION } from '../../schemas/execution-payloads.ts';
import { type Picodollars, parseUsd } from '../../schemas/money.ts';
import type { Feedback, Result } from '../../schemas/records.ts';
import type { Rollout } from '../../schemas/rollout.ts';
import { meanOf, type Sample } from './evidence.ts';
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
  readonly sessions: SessionOutcomes;
}

/**
 * What a verdict goes by: tasks of a session share a version and a fate, so a session is one observation, as a task without one is. It
 * fails and is scored as its tasks are on average so far, and costs and takes what its first task did.
 */
export interface SessionOutcomes {
  readonly failures: Sample;
  readonly scores: Sample;
  readonly costs: Spread;
  readonly durations: Spread;
}

export interface RolloutOutcomes {
  readonly stable: Outcomes;
  readonly candidate: Outcomes;
}

interface Counts {
  result(result: Result): void;
  feedback(feedback: Feedback): void;
  outcomes(): RolloutOutcomes;
}

export interface RolloutTally extends Counts {
  /** They are read from their beginning: of more than are known by name, those that were forgotten would count twice. */
  begin(): void;
}

/** Newest that are known by name; older ones have been counted. */
const MOST_TASKS = 200_000;
const MOST_SCORES = 20_000;

interface Session {
  /** One string for all that hold it: there are as many as tasks. */
  readonly name: string;
  executions: number;
  failed: number;
}

const newTally = () => ({
  ...{ executions: 0, failed: 0, halted: 0, usd: 0n, sessions: 0, failures: 0 },
  ...{ costs: createSpread(), durations: createSpread() },
  ...{ firstCosts: createSpread(), firstDurations: createSpread() },
});

const sampleOf = (values: readonly number[]): Sample => ({
  count: values.length,
  sum: values.reduce((sum, value) => sum + value, 0),
});

const setNewest = <Value>(map: Map<string, Value>, key: string, value: Value, most: number): void => {
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > most && oldest !== undefined) map.delete(oldest);
};

interface Scores {
  readonly scores: Sample;
  readonly bySession: Sample;
}

interface GroupedScores {
  readonly byVersion: ReadonlyMap<string, Scores>;
  /** Of which there is a score, though their results may not have come. */
  readonly tasks: ReadonlySet<string>;
}

const scoresOf = (sessions: ReadonlyMap<string, readonly number[]>): Scores => {
  const given = [...sessions.values()];
  return { scores: sampleOf(given.flat()), bySession: sampleOf(given.map((all) => meanOf(sampleOf(all)))) };
};

type Compared = Pick<Rollout, 'agent' | 'began' | 'stable' | 'candidate'>;

/** Only what was begun since the rollout was: of both versions the same stretch of time. */
export const createRolloutTally = (rollout: Compared, most = MOST_TASKS): RolloutTally => {
  let counts = countsOf(rollout, most);
  return {
    begin: () => {
      counts = countsOf(rollout, most);
    },
    result: (result) => counts.result(result),
    feedback: (feedback) => counts.feedback(feedback),
    outcomes: () => counts.outcomes(),
  };
};

const countsOf = ({ agent, began, stable, candidate }: Compared, most: number): Counts => {
  const tallies = new Map([stable, candidate].map((version) => [version, newTally()]));
  const sessions = new Map<string, Session>();
  /** By task: a result may be written twice. */
  const counted = new Map<string, { readonly version: string; readonly session: string }>();
  /** The newest of one person about one task holds. */
  const scores = new Map<string, Pick<Feedback, 'taskId' | 'score'>>();
  /** Asked for twice a second: undefined where something that was said since changes it. */
  let grouped: GroupedScores | undefined;

  const groupScores = (): GroupedScores => {
    const tasks = new Set<string>();
    const bySession = new Map([stable, candidate].map((version) => [version, new Map<string, number[]>()]));
    for (const { taskId, score } of scores.values()) {
      tasks.add(taskId);
      const task = counted.get(taskId);
      const sessionsOf = task && bySession.get(task.version);
      if (!sessionsOf) continue;
      const given = sessionsOf.get(task.session);
      if (given) given.push(score);
      else sessionsOf.set(task.session, [score]);
    }
    return {
      tasks,
      byVersion: new Map([...bySession].map(([version, sessions]) => [version, scoresOf(sessions)])),
    };
  };

  const outcomesOf = (version: string): Outcomes => {
    const {
      sessions: count,
      failures,
      firstCosts,
      firstDurations,
      ...all
    } = tallies.get(version) ?? newTally();
    grouped ??= groupScores();
    const { scores: given, bySession } = grouped.byVersion.get(version) ?? scoresOf(new Map());
    return {
      ...{ ...all, scores: given },
      sessions: {
        ...{ failures: { count, sum: failures }, scores: bySession },
        ...{ costs: firstCosts, durations: firstDurations },
      },
    };
  };

  return {
    result: ({ taskId, behaviour, outcome, error, costUsd, startedAt, completedAt, ...result }) => {
      const tally = tallies.get(behaviour);
      if (result.agent !== agent || !tally || startedAt < began || counted.has(taskId)) return;
      if (OF_NO_VERSION.has(error?.code ?? '')) return;
      const { tenant, sessionId } = result;
      const name = JSON.stringify([behaviour, ...(sessionId === null ? [taskId] : [tenant, sessionId])]);
      const session = sessions.get(name) ?? { name, executions: 0, failed: 0 };
      const usd = parseUsd(costUsd);
      const micros = Math.max(0, completedAt - startedAt);
      setNewest(counted, taskId, { version: behaviour, session: session.name }, most);
      if (grouped?.tasks.has(taskId)) grouped = undefined;
      tally.executions += 1;
      if (outcome !== 'completed') tally[outcome] += 1;
      tally.usd += usd;
      tally.costs.add(Number(usd));
      tally.durations.add(micros);
      if (session.executions === 0) {
        tally.sessions += 1;
        tally.firstCosts.add(Number(usd));
        tally.firstDurations.add(micros);
      } else tally.failures -= session.failed / session.executions;
      session.executions += 1;
      if (outcome !== 'completed') session.failed += 1;
      tally.failures += session.failed / session.executions;
      setNewest(sessions, name, session, most);
    },
    feedback: ({ taskId, by, score, at, ...feedback }) => {
      if (feedback.agent !== agent || at < began) return;
      grouped = undefined;
      setNewest(scores, JSON.stringify([taskId, by]), { taskId, score }, MOST_SCORES);
    },
    outcomes: () => ({ stable: outcomesOf(stable), candidate: outcomesOf(candidate) }),
  };
};
