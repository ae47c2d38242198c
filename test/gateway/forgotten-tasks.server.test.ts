/** Tasks that a gateway has forgotten, as so many came after them: how they stand is found in Kafka again. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { createExecutionList } from '../../gateway/read-models/execution-list.ts';
import { fillEnded } from '../../gateway/read-models/fill-ended.ts';
import type { Result, Task, TaskState } from '../../schemas/records.ts';
import { executionIdOf } from '../../schemas/task-identity.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { until } from '../support/until.ts';
import { type GatewayUnderTest, openKafkaAndCodec, startGatewayUnderTest } from './gateway-under-test.ts';

const TENANT = `globex-${randomUUID()}`;
let under: GatewayUnderTest;
beforeAll(async () => {
  under = await startGatewayUnderTest();
});
afterAll(() => under?.close());

const ofTask = (taskId: string) => ({ taskId, executionId: executionIdOf(taskId), agent: 'support' });

test('one that is sent again long after it ended is what its result says, not pending for ever', async () => {
  const { kafka, codec } = await openKafkaAndCodec();
  onTestFinished(kafka.close);
  const executions = createExecutionList();
  const stop = new AbortController();
  const reader = { waitingFor: () => null };
  const passed = async () => new Map([[3, { offset: 9 }]]);
  const filling = fillEnded({ kafka, codec, executions, reader, passed, lookAgainMs: 100 }, stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await filling;
  });
  const [ended, waits, queued] = [`task-${randomUUID()}`, `task-${randomUUID()}`, `task-${randomUUID()}`];
  const resultOf = (taskId: string): Result => ({
    ...{ ...ofTask(taskId), behaviour: '1', tenant: TENANT, sessionId: null, outcome: 'completed' },
    ...{ output: '{"text":"It."}', error: null, partial: null, receipt: '{}', costUsd: '0.01', steps: 2 },
    ...{ createdAt: 5, startedAt: 6, completedAt: 9 },
  });
  for (const taskId of [ended, queued])
    await under.put({
      ...{ topic: TOPICS.results.name, key: taskId, value: codec.encode('Result', resultOf(taskId)) },
    });
  const asked: Task = {
    ...{ agent: 'support', input: 'What is it?', taskId: null, tenant: TENANT, principal: null },
    ...{ sessionId: null, feature: null, budget: null, freshness: null, createdAt: 50, priority: 0 },
    ...{ notBefore: null, deadlineAt: null, parent: null, fork: null },
  };
  // Workers have not come to the one that is queued: nothing is looked for.
  executions.addTask(queued, asked, 50, { partition: 3, offset: 9 });
  for (const taskId of [ended, waits]) executions.addTask(taskId, asked, 50, { partition: 3, offset: 8 });
  await until('its result is found', () => executions.task(ended)?.state === 'completed');
  for (const taskId of [waits, queued]) expect(executions.task(taskId)?.state).toBe('pending');
});

test('one that waits still is told, of its own tenant alone, and can be cancelled', async () => {
  const taskId = `task-${randomUUID()}`;
  const state: TaskState = {
    ...{ ...ofTask(taskId), tenant: TENANT, state: 'pending', createdAt: 5, updatedAt: 5 },
  };
  await under.put({
    ...{ topic: TOPICS.taskStates.name, key: taskId, value: under.codec.encode('TaskState', state) },
  });
  const { status, body } = await under.call(`/v1/tasks/${taskId}?tenant=${TENANT}`);
  expect([status, body]).toMatchObject([200, { taskId, state: 'pending', agent: 'support', tenant: TENANT }]);
  expect((await under.call(`/v1/tasks/${taskId}?tenant=acme`)).status).toBe(404);
  const cancelled = await under.call(`/v1/tasks/${taskId}/cancel?tenant=${TENANT}`, { method: 'POST' });
  expect([cancelled.status, cancelled.body]).toMatchObject([202, { taskId, state: 'pending' }]);
});
