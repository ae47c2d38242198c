import { expect, test } from 'vitest';
import { newTally, resultOf } from '../../../bench/support/simulated-rollout.ts';
import type { Feedback } from '../../../schemas/records.ts';

const said = (taskId: string, score: number): Feedback => ({
  ...{ taskId, executionId: 'e', agent: 'support', behaviour: '2', tenant: null },
  ...{ by: 'ann', score, comment: null, at: 1 },
});

test('scores are gone through again only when one came, or the task of one', () => {
  const tally = newTally();
  const ended = (taskId: string) => tally.result(resultOf({ taskId, behaviour: '2', sessionId: 's-1' }));
  const scores = () => {
    const { stable, candidate } = tally.outcomes();
    return { ...{ stable: stable.scores, candidate: candidate.scores }, sessions: candidate.sessions.scores };
  };
  ended('a');
  tally.feedback(said('a', 1));
  tally.feedback(said('b', 0));
  const first = scores();
  expect(first).toEqual({
    ...{ stable: { count: 0, sum: 0 }, candidate: { count: 1, sum: 1 }, sessions: { count: 1, sum: 1 } },
  });
  // Of no score: what was made of them is what it was, the very same.
  ended('c');
  expect(scores().candidate).toBe(first.candidate);
  expect(tally.outcomes().candidate.executions).toBe(2);
  ended('b');
  expect(scores()).toMatchObject({ candidate: { count: 2, sum: 1 }, sessions: { count: 1, sum: 0.5 } });
  tally.feedback(said('c', 1));
  expect(scores().candidate).toEqual({ count: 3, sum: 2 });
  tally.feedback({ ...said('a', 0), at: -1 });
  expect(scores().candidate).toEqual({ count: 3, sum: 2 });
  tally.begin();
  expect(scores().candidate).toEqual({ count: 0, sum: 0 });
});
