import { expect, test } from 'vitest';
import { shareOf } from '../../cli/commands/behaviour.ts';
import { describeBehaviours, type Rollout } from '../../cli/commands/rollout-shown.ts';

test('a share is a part or a percentage, and nothing in between', () => {
  expect(['0.05', '5%', '5 %', '1', '100%', '0.1%'].map(shareOf)).toEqual([0.05, 0.05, 0.05, 1, 1, 0.001]);
  for (const wrong of ['5', '0', '0%', '101%', '-1', 'all', '1e-2'])
    expect(() => shareOf(wrong)).toThrow(/--share/);
});

test('a rollout is read as both versions beside each other, and the verdict in words', () => {
  const outcomes = {
    ...{ executions: 40, failureRate: 0.25, meanCostUsd: '0.0123456', p95Ms: 4_200 },
    ...{ feedbackScore: null, feedbackCount: 0 },
  };
  const rollout: Rollout = {
    ...{ agent: 'support', stable: '1', candidate: '2', state: 'canary', share: 0.05 },
    ...{ since: '2026-01-31T09:00:00.000Z', changedAt: null, by: 'ann', reason: 'shorter' },
    verdict: {
      ...{ state: 'collecting', reason: 'too few' },
      outcomes: { stable: { ...outcomes, executions: 760 }, candidate: outcomes },
    },
  };
  const behaviours = ['1', '2', '0'].map((version) => ({ agent: 'support', version, runs: version === '1' }));
  expect(describeBehaviours({ behaviours, rollouts: [rollout] }).split('\n')).toEqual([
    'agent    version  ',
    'support  1        runs, 95 % of new tasks',
    'support  2        canary, 5 % of new tasks',
    'support  0        for replays, and to deploy',
    '',
    'support: 2 beside 1 since 2026-01-31T09:00:00.000Z, by ann: shorter',
    'version  executions  failed  mean cost  p95    feedback',
    '2        40          25 %    $0.0123    4.2 s  –',
    '1        760         25 %    $0.0123    4.2 s  –',
    'collecting: too few',
  ]);
});
