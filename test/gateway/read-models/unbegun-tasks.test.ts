import { expect, test } from 'vitest';
import { createExecutionList } from '../../../gateway/read-models/execution-list.ts';
import { SNAPSHOT } from '../../../schemas/execution-snapshot.ts';
import type { Result, Task } from '../../../schemas/records.ts';
import { executionIdOf } from '../../../schemas/task-identity.ts';
import { eventOf } from '../../support/event-of.ts';

const task = (taskId: string): Task => ({
  ...{ agent: 'support', input: 'What is it?', taskId, tenant: 'acme', principal: null, sessionId: null },
  ...{ feature: 'chat', budget: null, freshness: null, createdAt: 5, priority: 0, notBefore: null },
  ...{ deadlineAt: null, parent: null, fork: null },
});

const result = (taskId: string): Result => ({
  ...{ taskId, executionId: executionIdOf(taskId), agent: 'support', behaviour: '1', tenant: 'acme' },
  ...{ sessionId: null, outcome: 'completed', output: '{"text":"It."}', error: null, partial: null },
  ...{ receipt: '{}', costUsd: '0.01', steps: 2, createdAt: 5, startedAt: 6, completedAt: 9 },
});

test('a task whose execution lies before what was read is what its result says, and one that runs is left as it is', () => {
  const list = createExecutionList();
  const unbegun = () =>
    list
      .unbegun()
      .map(({ taskId }) => taskId)
      .sort();
  for (const taskId of ['old', 'new', 'running', 'waits']) list.addTask(taskId, task(taskId), 5);
  list.addEvent(eventOf({ type: 'claim', taskId: 'running', executionId: executionIdOf('running') }), {
    partition: 0,
    offset: 7,
  });
  // Its worker has it from its snapshot.
  list.addEvent(
    eventOf({
      ...{ type: 'checkpoint', name: SNAPSHOT, epoch: 0 },
      ...{ taskId: 'waits', executionId: executionIdOf('waits') },
    }),
    { partition: 0, offset: 8 },
  );
  expect(unbegun()).toEqual(['new', 'old']);
  for (const taskId of ['old', 'running', 'unknown']) list.addResult(result(taskId));
  expect(list.task('old')).toMatchObject({
    state: 'completed',
    input: 'What is it?',
    feature: 'chat',
    costUsd: '0.01',
  });
  expect(list.task('new')?.state).toBe('pending');
  expect(list.task('running')?.state).toBe('processing');
  expect(list.task('unknown')).toBeUndefined();
  expect(unbegun()).toEqual(['new']);
});
