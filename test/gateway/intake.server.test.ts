/** Fault 35: more tasks than the agents keep up with are refused with 429 and a time to come back, fairly, and the rest drained. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AGENTS_GROUP } from '../../agents/runtime/task-worker.ts';
import type { KafkaClient } from '../../connectors/kafka/kafka.ts';
import { createAdmitTask } from '../../gateway/admit-task.ts';
import { createExecutionList } from '../../gateway/read-models/execution-list.ts';
import { systemClock } from '../../schemas/clock.ts';
import type { FreshetError } from '../../schemas/errors.ts';
import { PARTITIONS, TOPICS } from '../../schemas/topics.ts';
import { AGENT, type GatewayUnderTest, startGatewayUnderTest } from './gateway-under-test.ts';

const INTAKE = { tasksPerSecond: 20, burst: 30, maxWaiting: 5_000 };
let under: GatewayUnderTest;
beforeAll(async () => {
  under = await startGatewayUnderTest({ intake: INTAKE });
});
afterAll(() => under?.close());

test('ten times the rate: what is above it gets 429 with Retry-After, each tenant for itself, and all that was acknowledged stands', async () => {
  const began = performance.now();
  const answers = [];
  const seconds = 2;
  for (let batch = 0; batch < seconds * 10; batch += 1) {
    answers.push(
      ...(await Promise.all(
        Array.from({ length: 20 }, () => under.submit({ agent: AGENT, input: 'Now!', tenant: 'loud' })),
      )),
    );
    await sleep(Math.max(0, (batch + 1) * 100 - (performance.now() - began)));
  }
  const took = (performance.now() - began) / 1_000;
  const taken = answers.filter(({ status }) => status === 202);
  const refused = answers.filter(({ status }) => status === 429);
  expect(taken.length + refused.length).toBe(answers.length);
  expect(taken.length).toBeLessThanOrEqual(INTAKE.burst + INTAKE.tasksPerSecond * took + 1);
  expect(taken.length).toBeGreaterThanOrEqual(INTAKE.burst);
  expect(Number(refused[0]?.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  expect(refused[0]?.body).toMatchObject({ code: 'too-many-requests' });
  // Another tenant of the same agent is none of it.
  expect((await under.submit({ agent: AGENT, input: 'Please.', tenant: 'quiet' })).status).toBe(202);
  // And the loud one is let in again once it has waited.
  await sleep(1_100);
  const key = { 'idempotency-key': randomUUID() };
  const again = await under.submit({ agent: AGENT, input: 'Now.', tenant: 'loud' }, key);
  expect(again.status).toBe(202);
  // What was taken on is answered under its key, whatever the rate.
  await Promise.all(
    Array.from({ length: 60 }, () => under.submit({ agent: AGENT, input: 'Now!', tenant: 'loud' })),
  );
  expect((await under.submit({ agent: AGENT, input: 'Now.', tenant: 'loud' }, key)).status).toBe(202);
});

test('while workers are behind, the queue has an end; it opens again as they drain it', async () => {
  let committed = 0;
  let end = 0;
  // What Kafka says of the workers' progress is told here: how far they are is the point.
  const kafka: Pick<KafkaClient, 'admin'> = {
    admin: {
      offsets: async (topic: string) => {
        expect(topic).toBe(TOPICS.tasks.name);
        return Array.from({ length: PARTITIONS }, (_, partition) => ({
          partition,
          earliest: 0,
          latest: end,
        }));
      },
      committed: async (group: string) => {
        expect(group).toBe(AGENTS_GROUP);
        const at = { offset: committed, metadata: '' };
        return new Map(Array.from({ length: PARTITIONS }, (_, partition) => [partition, at]));
      },
    } as unknown as KafkaClient['admin'],
  };
  const executions = createExecutionList();
  const admit = createAdmitTask({
    kafka,
    executions,
    intake: { tasksPerSecond: 1e6, burst: 1e6, maxWaiting: 50 },
    clock: systemClock,
  });
  const tryOne = (tenant: string): boolean => {
    try {
      admit({ agent: AGENT, tenant, sessionId: 'one' });
      return true;
    } catch (error) {
      expect((error as FreshetError).code).toBe('too-many-requests');
      expect((error as FreshetError).details).toEqual({ retryAfterSeconds: 2 });
      return false;
    }
  };
  const joined = Array.from({ length: 500 }, () => tryOne('loud')).filter(Boolean).length;
  expect(joined).toBe(50);
  // One that has nothing waiting has its share.
  const others = Array.from({ length: 100 }, () => tryOne('quiet')).filter(Boolean).length;
  expect(others).toBe(25);
  // Drained: at the next look, anybody may.
  end = 75;
  committed = 75;
  await sleep(1_100);
  tryOne('loud');
  await sleep(50);
  expect(tryOne('loud')).toBe(true);
});
