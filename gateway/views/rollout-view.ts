/** Versions of agents and the rollouts between them, as the API shows them. Pure. */
import { z } from 'zod';
import { failuresOf, slowestMsOf, usualUsdOf } from '../../agents/behaviours/canary-verdict.ts';
import { meanOf, type Sample } from '../../agents/behaviours/evidence.ts';
import type { Outcomes } from '../../agents/behaviours/outcomes.ts';
import { holdsFor } from '../../agents/behaviours/route-task.ts';
import type { Metrics } from '../../connectors/telemetry/metrics.ts';
import type { AgentDefinition } from '../../schemas/agent-definition.ts';
import type { ControlSignal } from '../../schemas/control-signals.ts';
import type { ControlView } from '../../schemas/control-view.ts';
import { formatUsd } from '../../schemas/money.ts';
import type { WatchedRollout } from '../watched-rollout.ts';
import { isoTime } from './times.ts';

const share = z.number().nullable();

const outcomesSchema = z.object({
  executions: z.number().describe('That began since the rollout did and have ended, but by no person.'),
  failed: z.number(),
  halted: z.number(),
  failureRate: share.describe('Failed and halted, of all.'),
  feedbackScore: share,
  feedbackCount: z.number(),
  meanCostUsd: z.string().nullable(),
  medianCostUsd: z.string().nullable().describe('To within 5 %.'),
  p95Ms: share.describe('From the first claim to the end, to within 5 %.'),
});

export const rolloutSchema = z.object({
  agent: z.string(),
  stable: z.string().describe('The version that the configuration runs.'),
  candidate: z.string().describe('The version that is tried.'),
  state: z.enum(['canary', 'promoted', 'rolled-back']),
  share: z.number().describe('Of new tasks, those that the candidate gets: 0 to 1.'),
  since: z.string().nullable().describe('When it began.'),
  changedAt: z.string().nullable(),
  by: z.string().describe('Who said so last; `freshet`: it was rolled back by its verdict.'),
  reason: z.string().nullable(),
  verdict: z
    .object({
      state: z.enum(['collecting', 'better-or-equal', 'worse']),
      reason: z.string(),
      outcomes: z.object({ stable: outcomesSchema, candidate: outcomesSchema }),
    })
    .nullable()
    .describe('Of a canary, once its outcomes are read.'),
});

export const behaviourSchema = z.object({
  agent: z.string(),
  version: z.string(),
  runs: z.boolean().describe('The configuration runs it; another one gets tasks by a rollout alone.'),
});

const rounded = (value: number): number => Number(value.toFixed(4));
const mean = (sample: Sample): number | null => (sample.count === 0 ? null : rounded(meanOf(sample)));

const outcomesShown = (outcomes: Outcomes): z.output<typeof outcomesSchema> => {
  const { executions, failed, halted, scores, usd } = outcomes;
  const none = executions === 0;
  return {
    ...{ executions, failed, halted, failureRate: mean(failuresOf(outcomes)) },
    ...{ feedbackScore: mean(scores), feedbackCount: scores.count },
    meanCostUsd: none ? null : formatUsd(usd / BigInt(executions)),
    medianCostUsd: none ? null : usualUsdOf(outcomes),
    p95Ms: none ? null : Math.round(slowestMsOf(outcomes)),
  };
};

const verdictShown = (watched: WatchedRollout | null): z.output<typeof rolloutSchema>['verdict'] =>
  watched && {
    ...{ state: watched.verdict.state, reason: watched.verdict.reason },
    outcomes: {
      stable: outcomesShown(watched.outcomes.stable),
      candidate: outcomesShown(watched.outcomes.candidate),
    },
  };

export const rolloutShown = (
  { rollout, by, reason, at }: Extract<ControlSignal, { readonly kind: 'behaviour' }>,
  watched: WatchedRollout | null,
): z.output<typeof rolloutSchema> => {
  const { agent, stable, candidate, state, began } = rollout;
  return {
    ...{ agent, stable, candidate, state, share: rollout.share },
    ...{ since: isoTime(began), changedAt: isoTime(at), by, reason },
    verdict: verdictShown(watched),
  };
};

/** The rollouts that hold: an agent whose configuration has moved on has none. */
export const standingRollouts = (
  control: Pick<ControlView, 'rolloutOf'>,
  agents: readonly AgentDefinition[],
) =>
  agents.flatMap(({ name, version }) => {
    const signal = control.rolloutOf(name);
    return signal && holdsFor(signal.rollout, version) ? [signal] : [];
  });

export const measureShares = (
  { behaviourShare }: Pick<Metrics, 'behaviourShare'>,
  control: Pick<ControlView, 'rolloutOf'>,
  agents: readonly AgentDefinition[],
): void => {
  behaviourShare.reset();
  for (const { name, version } of agents) behaviourShare.set({ agent: name, version, role: 'stable' }, 1);
  for (const { rollout } of standingRollouts(control, agents)) {
    const { agent, stable, candidate, share: part } = rollout;
    behaviourShare.set({ agent, version: stable, role: 'stable' }, rounded(1 - part));
    behaviourShare.set({ agent, version: candidate, role: 'candidate' }, part);
  }
};
