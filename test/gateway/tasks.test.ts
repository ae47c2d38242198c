import { afterEach, beforeEach, expect, test } from 'vitest';
import { TOPICS } from '../../schemas/topics.ts';
import { answered, type GatewayUnderTest, startGatewayUnderTest, until } from './gateway-under-test.ts';

let under: GatewayUnderTest;
beforeEach(async () => {
  under = await startGatewayUnderTest();
});
afterEach(() => under.close());

const TASKS = TOPICS.tasks.name;
const question = { agent: 'support', input: 'How?' };

test('a task is acknowledged once it stands in Kafka, keyed and named', async () => {
  const { status, body, headers } = await under.submit({ ...question, sessionId: 's-1', feature: 'help' });
  expect(status).toBe(202);
  const { taskId } = body as { taskId: string };
  expect(body).toEqual({ taskId, state: 'pending' });
  expect(headers.get('location')).toBe(`/v1/tasks/${taskId}`);
  const [record] = under.kafka.records(TASKS);
  expect(record?.key?.toString()).toBe('s-1');
  expect(record?.headers.ce_id?.toString()).toBe(taskId);
  expect(record?.headers.traceparent?.toString()).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  expect(await under.codec.decode('Task', record?.value ?? null)).toMatchObject({
    taskId,
    tenant: 'acme',
    principal: 'local',
    feature: 'help',
  });
});

test('fault 32: the same POST sent twice, even at once, is one task', async () => {
  const key = { 'idempotency-key': 'order-77' };
  const answers = await Promise.all([1, 2, 3].map(() => under.submit(question, key)));
  const again = await under.submit(question, key);
  expect(new Set([...answers, again].map(({ body }) => (body as { taskId: string }).taskId)).size).toBe(1);
  expect(under.kafka.records(TASKS)).toHaveLength(1);
  const other = await under.submit({ ...question, input: 'Why?' }, key);
  expect(other.status).toBe(409);
  expect(other.body).toMatchObject({ code: 'conflict' });
  // Of another tenant it is another key.
  const elsewhere = await under.submit({ ...question, tenant: 'beta' }, key);
  expect(elsewhere.status).toBe(202);
});

test('fault 4: nothing is acknowledged that Kafka did not take, and the same key can be sent again', async () => {
  under.kafka.onSend = async () => {
    throw new Error('connection refused');
  };
  const key = { 'idempotency-key': 'k' };
  const refused = await under.submit(question, key);
  expect(refused.status).toBe(503);
  expect(refused.body).toMatchObject({ code: 'append-failed' });
  expect(refused.headers.get('content-type')).toContain('application/problem+json');
  expect(refused.headers.get('retry-after')).toBe('2');
  under.kafka.onSend = undefined;
  expect((await under.submit(question, key)).status).toBe(202);
  expect(under.kafka.records(TASKS)).toHaveLength(1);
});

test('fault 35: over the bound it answers 429 and when to come back', async () => {
  await under.close();
  under = await startGatewayUnderTest({ limits: { maxPending: 1, maxPartitionBytes: 1 } });
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  under.kafka.onSend = () => held;
  const first = [under.submit(question), under.submit(question)];
  await new Promise((resolve) => setTimeout(resolve, 100));
  const over = await under.submit(question);
  expect(over.status).toBe(429);
  expect(over.headers.get('retry-after')).toBe('1');
  release();
  expect((await Promise.all(first)).map(({ status }) => status)).toEqual([202, 202]);
});

test('the state follows the journal, and the result comes with its receipt', async () => {
  const { body } = await under.submit(question);
  const { taskId } = body as { taskId: string };
  const state = async (): Promise<unknown> =>
    ((await under.call(`/v1/tasks/${taskId}`)).body as { state: string }).state;
  expect(await state()).toBe('pending');
  under.journal(taskId, { type: 'user-input', epoch: 0 }, { type: 'claim' });
  await until(async () => (await state()) === 'processing');
  under.journal(taskId, answered('Like so. [1]'));
  await until(async () => (await state()) === 'completed');
  expect((await under.call(`/v1/tasks/${taskId}`)).body).toMatchObject({
    outcome: 'completed',
    result: { text: 'Like so. [1]' },
    receipt: { stalenessMs: null },
    cost: { usd: '0' },
  });
  expect((await under.call('/v1/tasks?state=completed')).body).toMatchObject({ tasks: [{ taskId }] });
});

test('Prefer: wait answers with the result when it comes in time', async () => {
  const waiting = under.submit(question, { prefer: 'wait=2' });
  await until(() => under.kafka.records(TASKS).length === 1);
  const taskId = under.kafka.records(TASKS)[0]?.headers.ce_id?.toString() ?? '';
  under.journal(taskId, { type: 'user-input', epoch: 0 }, { type: 'claim' }, answered('Soon.'));
  const { status, body } = await waiting;
  expect(status).toBe(200);
  expect(body).toMatchObject({ state: 'completed', result: { text: 'Soon.' } });
});

test('a task that is no longer in memory is found by its result', async () => {
  const result = {
    taskId: 'old-1',
    executionId: 'execution-1',
    agent: 'support',
    behaviour: '1',
    tenant: 'acme',
    sessionId: null,
    outcome: 'halted' as const,
    output: null,
    error: { code: 'money-cap', message: 'over' },
    partial: JSON.stringify({ text: 'half' }),
    receipt: '{}',
    costUsd: '0.25',
    steps: 3,
    createdAt: 1_700_000_000_000_000,
    startedAt: 1_700_000_000_000_000,
    completedAt: 1_700_000_001_000_000,
  };
  under.kafka.put({ topic: TOPICS.results.name, key: 'old-1', value: under.codec.encode('Result', result) });
  const { status, body } = await under.call('/v1/tasks/old-1');
  expect(status).toBe(200);
  expect(body).toMatchObject({
    state: 'failed',
    outcome: 'halted',
    partial: { text: 'half' },
    cost: { usd: '0.25' },
  });
  expect((await under.call('/v1/tasks/never')).status).toBe(404);
});

test('what cannot be read on a topic is reported, and the gateway goes on', async () => {
  under.kafka.put({ topic: TASKS, key: null, value: Buffer.from('{"agent":') });
  under.kafka.put({ topic: TASKS, key: null, value: Buffer.from('{"agent":"support","input":"by hand"}') });
  await until(async () => ((await under.call('/v1/tasks')).body as { tasks: unknown[] }).tasks.length === 1);
  expect(under.events).toMatchObject([{ type: 'unreadable', topic: TASKS }]);
});
