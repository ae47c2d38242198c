/**
 * Whether a candidate does worse than the version that runs. It may be asked after every execution: each measure decides by evidence
 * that holds however often it is looked at (evidence.ts), and all of them together are wrong about a candidate that is no worse in at most
 * `falseAlarms` of rollouts, as each has an equal part of that. Pure.
 */

import type { CanaryPolicy } from '../../schemas/canary-policy.ts';
import { formatUsd } from '../../schemas/money.ts';
import { evidenceAbove, evidenceOfMore, evidenceWithin, meanOf, type Sample } from './evidence.ts';
import type { Outcomes, RolloutOutcomes } from './outcomes.ts';
import { amountOfStep, isSurelyHigher, type Spread } from './spread.ts';

export type Measure = 'failures' | 'feedback' | 'cost' | 'duration';

export type CanaryVerdict =
  | { readonly state: 'collecting' | 'better-or-equal'; readonly reason: string }
  | {
      readonly state: 'worse';
      readonly measure: Measure;
      /** Shares of executions, mean scores, dollars or milliseconds. */
      readonly candidate: number;
      /** Or what it must not pass. */
      readonly stable: number;
      readonly reason: string;
    };

type Worse = Extract<CanaryVerdict, { readonly state: 'worse' }>;

/** Failures twice: beside the stable version's, and by themselves. */
const TESTS = 5;
const SLOW = 0.95;
const USUAL = 0.5;

export const failuresOf = ({ executions, failed, halted }: Outcomes): Sample => ({
  count: executions,
  sum: failed + halted,
});

/** What scores lack: of it, more is worse. */
const lackOf = ({ count, sum }: Sample): Sample => ({ count, sum: count - sum });

export const slowestMsOf = ({ durations }: Pick<Outcomes, 'durations'>): number =>
  quantileOf(durations, SLOW) / 1_000;
export const usualUsdOf = ({ costs }: Pick<Outcomes, 'costs'>): string =>
  formatUsd(BigInt(Math.round(quantileOf(costs, USUAL))));

const quantileOf = (spread: Spread, share: number): number => amountOfStep(spread.quantileStep(share));

export const canaryVerdict = (outcomes: RolloutOutcomes, policy: CanaryPolicy): CanaryVerdict => {
  const { stable, candidate } = outcomes;
  const { minExecutions, tolerance, falseAlarms } = policy;
  if (candidate.executions < minExecutions)
    return {
      state: 'collecting',
      reason: `${candidate.executions} of at least ${minExecutions} executions of the candidate have ended`,
    };
  const worse = worseIn(outcomes, policy);
  if (worse) return worse;
  const within = evidenceWithin(candidate.sessions.failures, stable.sessions.failures, tolerance);
  if (stable.executions >= minExecutions && within >= Math.log(1 / falseAlarms))
    return {
      state: 'better-or-equal',
      reason: `it fails in ${failing(candidate)}, the stable version in ${failing(stable)}: surely less than ${percent(tolerance)} more, and nothing else is worse`,
    };
  return { state: 'collecting', reason: 'nothing is worse so far, and too few have ended to be sure' };
};

const worseIn = ({ stable, candidate }: RolloutOutcomes, policy: CanaryPolicy): Worse | null => {
  const enough = Math.log(TESTS / policy.falseAlarms);
  const [its, others] = [candidate.sessions, stable.sessions];
  const [fails, failsOtherwise] = [its.failures, others.failures];
  if (evidenceOfMore(fails, failsOtherwise) >= enough)
    return worse('failures', meanOf(fails), meanOf(failsOtherwise), [
      `it fails in ${failing(candidate)}`,
      `the stable version in ${failing(stable)}`,
    ]);
  if (evidenceAbove(fails, policy.maxFailureRate) >= enough)
    return worse('failures', meanOf(fails), policy.maxFailureRate, [
      `it fails in ${failing(candidate)}`,
      `more than ${percent(policy.maxFailureRate)} is too many`,
    ]);
  if (evidenceOfMore(lackOf(its.scores), lackOf(others.scores)) >= enough) {
    const [score, other] = [meanOf(its.scores), meanOf(others.scores)];
    return worse('feedback', score, other, [
      `its answers are given ${score.toFixed(2)} in ${candidate.scores.count} scores`,
      `those of the stable version ${other.toFixed(2)} in ${stable.scores.count}`,
    ]);
  }
  const { costFactor, durationFactor } = policy;
  if (isSurelyHigher(its.costs, others.costs, { quantile: USUAL, factor: costFactor, enough })) {
    const [usd, other] = [usualUsdOf(its), usualUsdOf(others)];
    return worse('cost', Number(usd), Number(other), [
      `half of its ${unitsOf(candidate)} cost ${dollars(usd)} or more`,
      `of the stable version's ${dollars(other)}`,
      `surely more than ${costFactor} times`,
    ]);
  }
  if (isSurelyHigher(its.durations, others.durations, { quantile: SLOW, factor: durationFactor, enough })) {
    const [ms, other] = [slowestMsOf(its), slowestMsOf(others)];
    return worse('duration', ms, other, [
      `the slowest twentieth of its ${unitsOf(candidate)} takes ${seconds(ms)} or more`,
      `of the stable version's ${seconds(other)}`,
      `surely more than ${durationFactor} times`,
    ]);
  }
  return null;
};

const worse = (measure: Measure, candidate: number, stable: number, said: readonly string[]): Worse => ({
  state: 'worse',
  measure,
  candidate,
  stable,
  reason: said.join(', '),
});

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
/** Where no session holds two of them they are the same. */
const unitsOf = ({ executions, sessions: { failures } }: Outcomes): string =>
  failures.count === executions ? `${executions} executions` : `${failures.count} sessions`;
const failing = (outcomes: Outcomes): string =>
  `${percent(meanOf(outcomes.sessions.failures))} of ${unitsOf(outcomes)}`;
const dollars = (usd: string): string => `$${Number(Number(usd).toPrecision(3))}`;
const seconds = (ms: number): string =>
  ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
