import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { TOPICS } from '../../schemas/topics.ts';
import { until } from '../support/until.ts';
import { AGENT, answered, type GatewayUnderTest, startGatewayUnderTest } from './gateway-under-test.ts';

let under: GatewayUnderTest;
beforeAll(async () => {
  under = await startGatewayUnderTest();
});
afterEach(() => void vi.restoreAllMocks());
afterAll(() => under?.close());

interface Told {
  readonly taskId: string;
  readonly state: string;
  readonly input: string;
}

const TASKS = TOPICS.tasks.name;
const question = { agent: AGENT, input: 'How?' };

const listed = async (query: string): Promise<readonly Told[]> =>
  ((await under.call(`/v1/tasks?${query}`)).body as { tasks: readonly Told[] }).tasks;
const idIn = ({ body }: { readonly body: unknown }): string => (body as Told).taskId;

test('a task is acknowledged once it stands in Kafka, keyed and named', async () => {
  const { status, body, headers } = await under.submit({ ...question, sessionId: 's-1', feature: 'help' });
  expect(status).toBe(202);
  const { taskId } = body as { taskId: string };
  expect(body).toEqual({ taskId, state: 'pending' });
  expect(headers.get('location')).toBe(`/v1/tasks/${taskId}`);
  const [record] = await under.tasksInKafka(taskId);
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

test('when it is worked on goes with the task, and is part of what an Idempotency-Key stands for', async () => {
  const key = { 'idempotency-key': randomUUID() };
  const later = {
    ...question,
    priority: 7,
    // Long past: whoever drains the log that tests share must not wait for it.
    notBefore: '2026-01-31T09:00:00+01:00',
    deadlineAt: '2090-02-01T00:00:00Z',
  };
  const { status, body } = await under.submit(later, key);
  expect(status).toBe(202);
  const [record] = await under.tasksInKafka(idIn({ body }));
  expect(await under.codec.decode('Task', record?.value ?? null)).toMatchObject({
    priority: 7,
    notBefore: Date.parse('2026-01-31T08:00:00Z') * 1_000,
    deadlineAt: Date.parse('2090-02-01T00:00:00Z') * 1_000,
  });
  expect((await under.submit(later, key)).body).toMatchObject({ taskId: idIn({ body }) });
  expect((await under.submit({ ...later, priority: 8 }, key)).status).toBe(409);
});

test('fault 32: the same POST sent twice, even at once, is one task', async () => {
  const key = { 'idempotency-key': `order-${randomUUID()}` };
  const answers = await Promise.all([1, 2, 3].map(() => under.submit(question, key)));
  const again = await under.submit(question, key);
  expect(new Set([...answers, again].map(idIn)).size).toBe(1);
  expect(await under.tasksInKafka(idIn(again))).toHaveLength(1);
  const other = await under.submit({ ...question, input: 'Why?' }, key);
  expect(other.status).toBe(409);
  expect(other.body).toMatchObject({ code: 'conflict' });
  // Of another tenant it is another key.
  const elsewhere = await under.submit({ ...question, tenant: 'beta' }, key);
  expect(elsewhere.status).toBe(202);
  expect(idIn(elsewhere)).not.toBe(idIn(again));
});

test('the state follows the journal, and the result comes with its receipt', async () => {
  const tenant = `tenant-${randomUUID()}`;
  const taskId = idIn(await under.submit({ ...question, tenant }));
  const state = async (): Promise<unknown> =>
    ((await under.call(`/v1/tasks/${taskId}`)).body as { state: string }).state;
  expect(await state()).toBe('pending');
  await under.journal(taskId, { type: 'user-input', epoch: 0, tenant }, { type: 'claim', tenant });
  await until('it runs', async () => (await state()) === 'processing');
  await under.journal(taskId, { ...answered('Like so. [1]'), tenant });
  await until('it has ended', async () => (await state()) === 'completed');
  expect((await under.call(`/v1/tasks/${taskId}`)).body).toMatchObject({
    outcome: 'completed',
    result: { text: 'Like so. [1]' },
    receipt: { stalenessMs: null },
    cost: { usd: '0' },
  });
  expect(await listed(`state=completed&tenant=${tenant}`)).toMatchObject([{ taskId }]);
});

/** What is waited for two seconds is waited for a minute: a slow machine takes longer to bring a result than a caller may wait. */
const stretchTheWait = (): void => {
  const { setTimeout: real } = globalThis;
  const stretched = (run: () => void, ms?: number) => real(run, ms === 2_000 ? 60_000 : ms);
  vi.spyOn(globalThis, 'setTimeout').mockImplementation(stretched as typeof setTimeout);
};

test('Prefer: wait answers with the result when it comes in time', async () => {
  stretchTheWait();
  const tenant = `tenant-${randomUUID()}`;
  const waiting = under.submit({ ...question, tenant }, { prefer: 'wait=2' });
  const [task] = await until('Kafka has the task', async () => {
    const tasks = await listed(`tenant=${tenant}`);
    return tasks.length === 1 && tasks;
  });
  await under.journal(
    task?.taskId ?? '',
    { type: 'user-input', epoch: 0, tenant },
    { type: 'claim', tenant },
    { ...answered('Soon.'), tenant },
  );
  const { status, body } = await waiting;
  expect(status).toBe(200);
  expect(body).toMatchObject({ state: 'completed', result: { text: 'Soon.' } });
});

test('a task that is no longer in memory is found by its result', async () => {
  const taskId = `old-${randomUUID()}`;
  const result = {
    taskId,
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
  const value = under.codec.encode('Result', result);
  await under.put({ topic: TOPICS.results.name, key: taskId, value });
  const { status, body } = await under.call(`/v1/tasks/${taskId}`);
  expect(status).toBe(200);
  expect(body).toMatchObject({
    state: 'failed',
    outcome: 'halted',
    partial: { text: 'half' },
    cost: { usd: '0.25' },
  });
  expect((await under.call(`/v1/tasks/never-${randomUUID()}`)).status).toBe(404);
});

test('what cannot be read on a topic is reported, and the gateway goes on', async () => {
  const input = `by hand ${randomUUID()}`;
  const [place] = await under.put(
    { topic: TASKS, partition: 2, key: null, value: Buffer.from('{"agent":') },
    { topic: TASKS, partition: 2, key: null, value: Buffer.from(JSON.stringify({ agent: AGENT, input })) },
  );
  await until('the one after it is seen', async () =>
    (await listed(`agent=${AGENT}`)).some((task) => task.input === input),
  );
  const position = `${TASKS}:${place?.partition}:${place?.offset}`;
  // Other tests leave what cannot be read as well.
  const mine = under.events.filter((event) => event.type !== 'unreadable' || event.position === position);
  expect(mine).toMatchObject([{ type: 'unreadable', topic: TASKS }]);
});
