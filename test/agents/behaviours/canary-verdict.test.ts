import { expect, test } from 'vitest';
import { canaryVerdict } from '../../../agents/behaviours/canary-verdict.ts';
import type { RolloutTally } from '../../../agents/behaviours/outcomes.ts';
import {
  newTally,
  POLICY,
  resultOf,
  type Simulated,
  simulate,
} from '../../../bench/support/simulated-rollout.ts';

const GOOD = { failureRate: 0.02 };
const SEEDS = Array.from({ length: 40 }, (_, seed) => seed + 1);

const add = (tally: RolloutTally, behaviour: string, count: number, failed = 0): void => {
  for (let each = 0; each < count; each += 1)
    tally.result(
      resultOf({
        ...{ behaviour, taskId: `${behaviour}-${each}`, outcome: each < failed ? 'failed' : 'completed' },
        ...{ costUsd: '0.01', completedAt: 1_000_001 },
      }),
    );
};
const verdictOf = (tally: RolloutTally) => canaryVerdict(tally.outcomes(), POLICY);
const caught = (found: readonly Simulated[]): readonly number[] =>
  found.flatMap(({ verdict, executions }) => (verdict ? [executions] : [])).sort((a, b) => a - b);

test('of 500 rollouts of a candidate that is no worse, looked at after each of 200 tasks, at most 1 % are rolled back', () => {
  let rolledBack = 0;
  for (let seed = 1; seed <= 500; seed += 1) {
    const same = { failureRate: [0.02, 0.1, 0.3][seed % 3] ?? 0 };
    if (simulate(seed, { stable: same, candidate: same, share: 0.5, tasks: 200 }).verdict) rolledBack += 1;
  }
  expect(rolledBack).toBeLessThanOrEqual(5);
});

test('nor where the tasks of a session fail, cost and take the same: a session is one observation', () => {
  let rolledBack = 0;
  for (let seed = 1; seed <= 200; seed += 1) {
    const same = { failureRate: [0.02, 0.1, 0.3][seed % 3] ?? 0 };
    const of = { stable: same, candidate: same, share: 0.2, tasks: 1_000, inSessions: true };
    if (simulate(seed, of).verdict) rolledBack += 1;
  }
  expect(rolledBack).toBeLessThanOrEqual(2);
});

test.each([
  [0.05, 75],
  [0.25, 100],
])(
  'a candidate that fails in 30 % against 2 %, at a share of %d, is caught within %i of its executions',
  (share, most) => {
    const found = SEEDS.map((seed) =>
      simulate(seed, { stable: GOOD, candidate: { failureRate: 0.3 }, share, tasks: 4_000 }),
    );
    expect(caught(found)).toHaveLength(SEEDS.length);
    expect(caught(found).at(-1)).toBeLessThanOrEqual(most);
    for (const { verdict } of found) expect(verdict).toMatchObject({ state: 'worse', measure: 'failures' });
  },
);

test.each([
  ['cost', { ...GOOD, usd: 0.08 }],
  ['duration', { ...GOOD, ms: 40_000 }],
  ['feedback', { ...GOOD, score: 0.3 }],
] as const)('%s alone is reason enough', (measure, candidate) => {
  for (const seed of SEEDS.slice(0, 5))
    expect(simulate(seed, { stable: GOOD, candidate, share: 0.5, tasks: 1_000 }).verdict).toMatchObject({
      ...{ state: 'worse', measure },
      reason: expect.stringMatching(/stable version/),
    });
});

test('a candidate is ready once it surely fails hardly more often, and not before both have run', () => {
  const tally = newTally();
  expect(verdictOf(tally)).toMatchObject({
    state: 'collecting',
    reason: expect.stringMatching(/^0 of at least 10/),
  });
  add(tally, '2', 600, 6);
  expect(verdictOf(tally).state).toBe('collecting');
  add(tally, '1', 600, 6);
  expect(verdictOf(tally)).toMatchObject({
    state: 'better-or-equal',
    reason: expect.stringMatching(/1\.0 % of 600 executions.*1\.0 % of 600/),
  });
});

test('a candidate alone is worse only where it fails too often whatever else does', () => {
  const failing = newTally();
  add(failing, '2', 20, 19);
  expect(verdictOf(failing)).toMatchObject({
    state: 'worse',
    candidate: 0.95,
    stable: POLICY.maxFailureRate,
  });
  const often = newTally();
  add(often, '2', 200, 60);
  expect(verdictOf(often).state).toBe('collecting');
});

test('a session counts once, as its tasks went on average, and what it cost first; all of it is shown', () => {
  const tally = newTally();
  for (let each = 0; each < 30; each += 1)
    tally.result(
      resultOf({
        ...{ taskId: `${each}`, behaviour: '2', sessionId: 's', outcome: each < 15 ? 'failed' : 'completed' },
        costUsd: each === 0 ? '1' : '0.5',
      }),
    );
  const said = { executionId: 'e', agent: 'support', behaviour: '2', tenant: null, comment: null, at: 1 };
  for (const [at, by] of ['ann', 'bob', 'cem', 'dan'].entries())
    tally.feedback({ ...said, taskId: `${at}`, by, score: at % 2 });
  const { candidate } = tally.outcomes();
  expect(candidate).toMatchObject({ executions: 30, failed: 15, scores: { count: 4, sum: 2 } });
  expect(candidate.sessions).toMatchObject({
    failures: { count: 1, sum: 0.5 },
    scores: { count: 1, sum: 0.5 },
  });
  expect([candidate.costs.count(), candidate.sessions.costs.count()]).toEqual([30, 1]);
  expect(verdictOf(tally).state).toBe('collecting');
});

test('what costs nothing may not begin to cost', () => {
  const tally = newTally();
  for (let each = 0; each < 400; each += 1) {
    const behaviour = each % 2 === 0 ? '1' : '2';
    tally.result(resultOf({ taskId: `${each}`, behaviour, costUsd: behaviour === '2' ? '0.001' : '0' }));
  }
  expect(verdictOf(tally)).toMatchObject({ measure: 'cost', stable: 0 });
});

test('what is counted: each task once, of these two versions, begun since, and not ended by a person or the day’s money', () => {
  const tally = newTally();
  const cancelled = { code: 'cancelled', message: '' };
  for (const over of [
    { taskId: 'a' },
    { taskId: 'a', outcome: 'failed' },
    { taskId: 'b', behaviour: '2', outcome: 'halted', costUsd: '0.5' },
    { taskId: 'c', behaviour: '0' },
    { taskId: 'd', agent: 'triage' },
    { taskId: 'e', startedAt: -1 },
    { taskId: 'f', outcome: 'halted', error: cancelled },
    { taskId: 'g', outcome: 'halted', error: { code: 'tenant-budget', message: '' } },
    { taskId: 'h', outcome: 'failed', error: { code: 'unknown-agent', message: '' } },
  ] as const)
    tally.result(resultOf(over));
  const said = { executionId: 'e', agent: 'support', behaviour: '1', tenant: null, comment: null, at: 1 };
  tally.feedback({ ...said, taskId: 'a', by: 'ann', score: 1 });
  tally.feedback({ ...said, taskId: 'a', by: 'ann', score: 0.5 });
  tally.feedback({ ...said, taskId: 'c', by: 'ann', score: 0 });
  const { stable, candidate } = tally.outcomes();
  expect(stable).toMatchObject({ executions: 1, failed: 0, halted: 0, scores: { count: 1, sum: 0.5 } });
  expect(candidate).toMatchObject({ executions: 1, halted: 1, usd: 500_000_000_000n, scores: { count: 0 } });
});

test('a candidate that refuses its tasks fails them: its schema and its limits are its own', () => {
  const tally = newTally();
  add(tally, '1', 60);
  for (let each = 0; each < 60; each += 1) {
    const code = each % 2 === 0 ? 'task-invalid' : 'too-large';
    const refused = { outcome: 'failed', error: { code, message: '' } } as const;
    tally.result(resultOf({ taskId: `refused-${each}`, behaviour: '2', costUsd: '0', ...refused }));
  }
  expect(verdictOf(tally)).toMatchObject({ state: 'worse', measure: 'failures' });
});

test('read again from its beginning, a rollout of more tasks than are known by name comes to the same', () => {
  const tally = newTally(100);
  const read = (): number => {
    tally.begin();
    for (let each = 0; each < 120; each += 1) tally.result(resultOf({ taskId: `${each}` }));
    return tally.outcomes().stable.executions;
  };
  expect([read(), read()]).toEqual([120, 120]);
});
