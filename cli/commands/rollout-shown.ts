/** Versions of agents and the rollouts between them, as people read them. Pure. */
import { duration, table } from '../output.ts';

export interface Behaviour {
  readonly agent: string;
  readonly version: string;
  readonly runs: boolean;
}

interface Outcomes {
  readonly executions: number;
  readonly failureRate: number | null;
  readonly feedbackScore: number | null;
  readonly feedbackCount: number;
  readonly meanCostUsd: string | null;
  readonly p95Ms: number | null;
}

export interface Rollout {
  readonly agent: string;
  readonly stable: string;
  readonly candidate: string;
  readonly state: 'canary' | 'promoted' | 'rolled-back';
  readonly share: number;
  readonly since: string | null;
  readonly changedAt: string | null;
  readonly by: string;
  readonly reason: string | null;
  readonly verdict: {
    readonly state: string;
    readonly reason: string;
    readonly outcomes: { readonly stable: Outcomes; readonly candidate: Outcomes };
  } | null;
}

const VERDICTS: Readonly<Record<string, string>> = {
  collecting: 'collecting',
  'better-or-equal': 'ready to promote',
  worse: 'worse, and rolled back within a second',
};

export const percent = (share: number): string => `${Number((100 * share).toFixed(1))} %`;

const doesWhat = ({ agent, version, runs }: Behaviour, rollouts: readonly Rollout[]): string => {
  const rollout = rollouts.find((each) => each.agent === agent);
  if (runs) return rollout && rollout.share > 0 ? `runs, ${percent(1 - rollout.share)} of new tasks` : 'runs';
  if (rollout?.candidate !== version) return 'for replays, and to deploy';
  if (rollout.state === 'rolled-back') return 'was rolled back';
  return rollout.state === 'promoted'
    ? 'promoted: all new tasks'
    : `canary, ${percent(rollout.share)} of new tasks`;
};

const outcomesRow = (name: string, outcomes: Outcomes): readonly string[] => {
  const { executions, failureRate, meanCostUsd, p95Ms, feedbackScore, feedbackCount } = outcomes;
  return [
    name,
    String(executions),
    failureRate === null ? '–' : percent(failureRate),
    meanCostUsd === null ? '–' : `$${Number(Number(meanCostUsd).toPrecision(3))}`,
    duration(p95Ms),
    feedbackScore === null ? '–' : `${feedbackScore.toFixed(2)} (${feedbackCount})`,
  ];
};

const describe = (rollout: Rollout): string => {
  const { agent, stable, candidate, state, by, reason, since, changedAt, verdict } = rollout;
  const ended =
    state === 'canary' ? '' : `, ${state === 'promoted' ? 'promoted' : 'rolled back'} ${changedAt ?? '–'}`;
  return [
    `${agent}: ${candidate} beside ${stable} since ${since ?? '–'}${ended}, by ${by}${reason ? `: ${reason}` : ''}`,
    ...(verdict
      ? [
          table(
            ['version', 'executions', 'failed', 'mean cost', 'p95', 'feedback'],
            [
              outcomesRow(candidate, verdict.outcomes.candidate),
              outcomesRow(stable, verdict.outcomes.stable),
            ],
          ),
          `${VERDICTS[verdict.state] ?? verdict.state}: ${verdict.reason}`,
        ]
      : []),
  ].join('\n');
};

export const describeBehaviours = ({
  behaviours,
  rollouts,
}: {
  readonly behaviours: readonly Behaviour[];
  readonly rollouts: readonly Rollout[];
}): string =>
  [
    table(
      ['agent', 'version', ''],
      behaviours.map((each) => [each.agent, each.version, doesWhat(each, rollouts)]),
    ),
    ...rollouts.map(describe),
  ].join('\n\n');
