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
  const filling = fillEnded(
    { kafka, codec, executions, reader: { waitingFor: () => null }, lookAgainMs: 100 },
    stop.signal,
  );
  onTestFinished(async () => {
    stop.abort();
    await filling;
  });
  const [ended, waits] = [`task-${randomUUID()}`, `task-${randomUUID()}`];
  const result: Result = {
    ...{ ...ofTask(ended), behaviour: '1', tenant: TENANT, sessionId: null, outcome: 'completed' },
    ...{ output: '{"text":"It."}', error: null, partial: null, receipt: '{}', costUsd: '0.01', steps: 2 },
    ...{ createdAt: 5, startedAt: 6, completedAt: 9 },
  };
  await under.put({ topic: TOPICS.results.name, key: ended, value: codec.encode('Result', result) });
  const asked: Task = {
    ...{ agent: 'support', input: 'What is it?', taskId: null, tenant: TENANT, principal: null },
    ...{ sessionId: null, feature: null, budget: null, freshness: null, createdAt: 50, priority: 0 },
    ...{ notBefore: null, deadlineAt: null, parent: null, fork: null },
  };
  for (const taskId of [ended, waits]) executions.addTask(taskId, asked, 50);
  await until('its result is found', () => executions.task(ended)?.state === 'completed');
  expect(executions.task(waits)?.state).toBe('pending');
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
