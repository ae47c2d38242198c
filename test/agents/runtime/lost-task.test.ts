/** What can be said of a task whose snapshot is gone. */
import { expect, test } from 'vitest';
import { lostTask } from '../../../agents/runtime/lost-task.ts';
import { SNAPSHOT } from '../../../schemas/execution-snapshot.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { eventOf } from '../../support/event-of.ts';

test('its names, its place and who waits for its end; without a place it is no task', () => {
  const parent = { executionId: 'execution-1', partition: 3, step: 2 };
  const task = { topic: TOPICS.tasks.name, partition: 3, offset: 7 };
  const order = { epoch: 1, worker: 'a', sequence: 0, hasInput: true, ended: false };
  const snapshot = eventOf({
    ...{ type: 'checkpoint', name: SNAPSHOT, taskId: 'task-1', sessionId: 's', task },
    input: JSON.stringify({ from: 0, order, parent }),
  });
  const lost = lostTask(snapshot, 'it is gone');
  expect(lost?.record).toMatchObject({ ...task, value: null });
  expect(lost?.read).toMatchObject({
    ...{ taskId: 'task-1', task: { sessionId: 's', parent } },
    ...{ input: { text: '', parent }, refusal: { code: 'payload-lost', message: 'it is gone' } },
  });
  expect(lostTask({ ...snapshot, task: null }, '')).toBeNull();
});
