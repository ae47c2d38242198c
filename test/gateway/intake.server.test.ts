/** Fault 35: more tasks than the agents keep up with are refused with 429 and a time to come back, fairly, and the rest drained. */

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTaskWorker } from '../../agents/runtime/task-worker.ts';
import { partitionOfKey } from '../../connectors/kafka/partition-of-key.ts';
import { openRecordWriter } from '../../connectors/kafka/record-writer.ts';
import type { LanguageModel } from '../../connectors/models/language/language-model.ts';
import { taskIdOfKey } from '../../gateway/submit-task.ts';
import { defineAgent } from '../../schemas/agent-definition.ts';
import { AGENTS_GROUP } from '../../schemas/groups.ts';
import { PARTITIONS, TOPICS } from '../../schemas/topics.ts';
import { until } from '../support/until.ts';
import {
  AGENT,
  type GatewayUnderTest,
  openKafkaAndCodec,
  startGatewayUnderTest,
} from './gateway-under-test.ts';
import { testTenTimesTheLoad } from './overload.ts';

const INTAKE = { tasksPerSecond: 20, burst: 30, maxWaiting: 5_000 };
const BOUND = 40;
const TASKS = TOPICS.tasks.name;
const languageModel: LanguageModel = {
  id: 'instant',
  price: { inputPerMillionUsd: '0', outputPerMillionUsd: '0' },
  contextTokens: 100_000,
  estimate: () => ({ inputTokens: 10, outputTokens: 10 }),
  generate: async () => ({
    text: 'Hello.',
    toolCalls: [],
    finishReason: 'stop',
    usage: { inputTokens: 10, outputTokens: 10, cachedInputTokens: 0, reported: true },
  }),
};
let under: GatewayUnderTest;
beforeAll(async () => {
  under = await startGatewayUnderTest({ intake: INTAKE });
});
afterAll(() => under?.close());

test('ten times the rate: what is above it gets 429 with Retry-After, each tenant for itself, and all that was acknowledged stands', async () => {
  const began = performance.now();
  const asked: ReturnType<typeof under.submit>[] = [];
  const seconds = 2;
  // By the clock, not by the answers: a machine that answers slowly is asked as often.
  for (let batch = 0; batch < seconds * 10; batch += 1) {
    for (let at = 0; at < 20; at += 1)
      asked.push(under.submit({ agent: AGENT, input: 'Now!', tenant: 'loud' }));
    await sleep(Math.max(0, (batch + 1) * 100 - (performance.now() - began)));
  }
  const answers = await Promise.all(asked);
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

test('the tools of MCP clients go through the same door', async () => {
  const submit = { name: 'submit_task', arguments: { agent: AGENT, input: 'Now!', tenant: 'tooled' } };
  const request = {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: submit }),
  };
  const answers = await Promise.all(Array.from({ length: 90 }, () => under.call('/mcp', request)));
  const results = answers.map(
    ({ body }) => (body as { readonly result: { readonly isError: boolean } }).result,
  );
  expect(results.filter(({ isError }) => !isError).length).toBeGreaterThanOrEqual(INTAKE.burst);
  expect(results.find(({ isError }) => isError)).toMatchObject({
    structuredContent: { code: 'too-many-requests', retryAfterSeconds: expect.any(Number) },
  });
});

test('while workers are away, the queue has an end for everyone; they come back and drain it', async () => {
  const agent = defineAgent({
    name: `queued-${randomUUID().slice(0, 8)}`,
    version: '1',
    instructions: 'Say it.',
  });
  const open = await openKafkaAndCodec();
  const writer = openRecordWriter(open.kafka);
  const work = () =>
    startTaskWorker({
      ...open,
      writer,
      retriever: { search: () => Promise.reject(new Error('nothing is retrieved here')) },
      models: [languageModel],
      agents: [agent],
      workerName: `intake-${randomUUID()}`,
      concurrency: 16,
      localTenant: 'acme',
    });
  const lag = async (): Promise<number> => {
    const commits = await open.kafka.admin.committed(AGENTS_GROUP, TASKS);
    const ends = await open.kafka.admin.offsets(TASKS);
    return Math.max(
      ...ends.map(({ partition, earliest, latest }) => latest - (commits.get(partition)?.offset ?? earliest)),
    );
  };
  // What other tests left is done with first.
  const first = await work();
  await until('nothing waits', async () => (await lag()) === 0, { every: 200 });
  await first.stop(5_000);

  const narrow = await startGatewayUnderTest({
    agents: [agent],
    intake: { tasksPerSecond: 1e6, burst: 1e6, maxWaiting: BOUND },
  });
  /** Without a session: its partition follows from its id. */
  const submitTo = async (partition: number): Promise<number> => {
    for (;;) {
      const key = randomUUID();
      if (partitionOfKey(Buffer.from(taskIdOfKey('loud', key)), PARTITIONS) !== partition) continue;
      const task = { agent: agent.name, input: 'Hello.', tenant: 'loud' };
      return (await narrow.submit(task, { 'idempotency-key': key })).status;
    }
  };
  const submit = async (tenant: string): Promise<number> =>
    (await narrow.submit({ agent: agent.name, input: 'Hello.', tenant, sessionId: 'one' })).status;
  const load = async (tenant: string, seconds: number): Promise<number> => {
    let taken = 0;
    let last = 0;
    // At least so long, and until nothing more is taken: a slow machine needs longer to come to the end.
    for (const end = performance.now() + seconds * 1_000; performance.now() < end || last > 0; ) {
      const answers = await Promise.all(Array.from({ length: 10 }, () => submit(tenant)));
      expect(answers.every((status) => status === 202 || status === 429)).toBe(true);
      last = answers.filter((status) => status === 202).length;
      taken += last;
    }
    return taken;
  };
  try {
    // The gateway looks once a second: what it has not seen committed it counts itself.
    expect(await load('loud', 3)).toBe(BOUND);
    expect(await lag()).toBe(BOUND);
    // The same door for what has no session: the queues beside it are short.
    const full = partitionOfKey(Buffer.from('one'), PARTITIONS);
    expect([await submitTo(full), await submitTo((full + 1) % PARTITIONS)]).toEqual([429, 202]);
    // One that has nothing waiting has its share, and no more.
    expect(await load('quiet', 2)).toBe(BOUND / 2);
    expect(await load('loud', 1)).toBe(0);

    const second = await work();
    await until('it is drained', async () => (await lag()) === 0, { every: 200 });
    await until('anybody may come again', async () => (await submit('loud')) === 202, { every: 200 });
    await second.stop(5_000);
  } finally {
    await narrow.close();
    await writer.close();
    await open.kafka.close();
  }
}, 360_000);

// Longer in test/failure/slow.
testTenTimesTheLoad(6);
