import { expect, test } from 'vitest';
import { queuedTaskOf } from '../../../agents/runtime/queued-task.ts';
import type { ReadableTask } from '../../../agents/runtime/read-task.ts';

const laneOf = (tenant: string | null, sessionId: string): string | undefined => {
  const task = { tenant, sessionId, priority: 0, notBefore: null } as ReadableTask['task'];
  const read = { kind: 'task', task, taskId: 'task-1', executionId: 'execution-1' } as ReadableTask;
  const record = {
    topic: 'freshet.tasks',
    partition: 0,
    offset: 0,
    timestamp: 0,
    key: null,
    value: null,
    headers: {},
  };
  return queuedTaskOf(record, read, 0, 1).lanes[1];
};

test('no tenant waits for a session of another, however both are named', () => {
  expect(laneOf('a', 'b c')).not.toBe(laneOf('a b', 'c'));
  expect(laneOf('', 'x')).not.toBe(laneOf(null, ' x'));
  expect(laneOf('a', 'b')).toBe(laneOf('a', 'b'));
});
