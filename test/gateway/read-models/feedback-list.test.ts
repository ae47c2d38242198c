import { expect, test } from 'vitest';
import { createFeedbackList } from '../../../gateway/read-models/feedback-list.ts';
import type { Feedback } from '../../../schemas/records.ts';

const feedback = (by: string, score: number, at: number): Feedback => ({
  ...{ taskId: 'a', executionId: 'a', agent: 'random', behaviour: '1', tenant: null },
  ...{ score, comment: `${score}`, by, at },
});

test('of one person about one task the newest is kept, in whatever order and however often it is read', () => {
  const list = createFeedbackList();
  const given = [feedback('ann', 0, 1), feedback('bob', 0.5, 2), feedback('ann', 1, 3)];
  for (const each of [...given, ...given.toReversed()]) list.add(each);
  expect(list.of('a')).toEqual([given[2], given[1]]);
  expect(list.of('b')).toEqual([]);
});
