/** Faults 2 and 3 of ROBUSTNESS, and a worker killed in the middle, on real servers and real processes. */
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, inject, onTestFinished, test } from 'vitest';
import { replayExecution } from '../../agents/replay/replay-execution.ts';
import { startTaskWorker, type TaskWorker } from '../../agents/runtime/task-worker.ts';
import { createKafkaJsClient } from '../../connectors/kafka/kafkajs-client.ts';
import { openRecordWriter } from '../../connectors/kafka/record-writer.ts';
import {
  type ExecutionProjection,
  startExecutionProjection,
} from '../../pipelines/project-executions/project-executions.ts';
import { AGENTS_GROUP } from '../../schemas/groups.ts';
import { parseUsd } from '../../schemas/money.ts';
import { executionIdOf } from '../../schemas/task-identity.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type AgentsStack, eventually, openAgentsStack } from '../agents/agents-stack.ts';
import { fixedRetriever } from '../agents/fixed-retriever.ts';
import { workerChildren } from '../agents/worker-children.ts';
import { membersOf } from '../support/group-members.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { careful, lookThenAnswer } from './careful-agent.ts';

const PROGRAM = fileURLToPath(new URL('agents-worker-process.ts', import.meta.url));
const QUESTION = 'How long do I have to return a product?';
/** What a worker that was believed dead may still write when it is back. */
const LATE_MS = 3_000;
let stack: AgentsStack;
let projection: ExecutionProjection;
let worker: TaskWorker | undefined;
const children = workerChildren(PROGRAM);

beforeAll(async () => {
  stack = await openAgentsStack();
  projection = await startExecutionProjection(stack);
});

afterEach(async () => {
  children.killAll();
  await worker?.stop(1_000);
  worker = undefined;
});

afterAll(async () => {
  await projection?.stop();
  await stack?.close();
});

const startWorker = (model = lookThenAnswer({ secondCallMs: 0 })): Promise<TaskWorker> =>
  startTaskWorker({
    ...stack,
    retriever: fixedRetriever(),
    models: [model],
    agents: [careful],
    workerName: 'worker-b',
    concurrency: 4,
    sessionTimeoutMs: 6_000,
  });

const untilSecondCall = (taskId: string) =>
  eventually('the second call of a model', async () => {
    const journal = await stack.journalOf(taskId);
    return journal.filter(({ type }) => type === 'intent').length === 2 ? journal : undefined;
  });

const resultsOf = async (taskId: string) =>
  (await stack.read(TOPICS.results.name, 'Result', (result) => result.taskId === taskId)).map(
    ({ record }) => record,
  );

const resultOf = (taskId: string) => eventually('a result', async () => (await resultsOf(taskId))[0]);

const replayOf = async (taskId: string) => {
  const [first] = await stack.journalOf(taskId);
  const at = { topic: TOPICS.agentEvents.name, partition: first?.partition ?? 0, offset: first?.offset ?? 0 };
  return replayExecution({ ...stack, agents: [careful], at });
};

test('a worker killed in the middle of a call: another goes on, finished steps are not repeated, both calls are counted, one result', async () => {
  const child = await children.start('worker-killed');
  const taskId = await stack.submit({ agent: 'careful', input: QUESTION });
  await untilSecondCall(taskId);
  await children.kill(child);
  const model = lookThenAnswer({ secondCallMs: 0 });
  worker = await startWorker(model);
  const result = await resultOf(taskId);
  expect(result).toMatchObject({ outcome: 'completed', steps: 4 });
  expect(model.calls()).toBe(1);
  const journal = await stack.journalOf(taskId);
  expect(journal.filter(({ type }) => type === 'tool-call').map(({ name }) => name)).toEqual([
    'retrieve',
    'look',
  ]);
  expect(journal.filter(({ type }) => type === 'claim').map(({ epoch }) => epoch)).toEqual([1, 2]);
  expect(await resultsOf(taskId)).toHaveLength(1);
  // Written with the result, to another topic: a reader may see it before them.
  const costs = await eventually('all costs', async () => {
    const found = await stack.read(TOPICS.costs.name, 'Cost', (cost) => cost.taskId === taskId);
    return found.length >= 3 ? found.map(({ record }) => record) : undefined;
  });
  expect(costs.sort((a, b) => a.step - b.step).map(({ step, settled }) => [step, settled])).toEqual([
    [2, true],
    [4, false],
    [5, true],
  ]);
  expect(costs.reduce((sum, { usd }) => sum + parseUsd(usd), 0n)).toBe(parseUsd(result.costUsd));
  expect((await replayOf(taskId)).identical).toBe(true);
}, 360_000);

test('fault 2: a worker stopped until its partitions moved, then continued: its late writes are fenced, one result', async () => {
  const child = await children.start('worker-zombie');
  const taskId = await stack.submit({ agent: 'careful', input: QUESTION });
  await untilSecondCall(taskId);
  child.kill('SIGSTOP');
  worker = await startWorker();
  const result = await resultOf(taskId);
  expect(result.outcome).toBe('completed');
  const before = (await stack.journalOf(taskId)).length;
  // Its call has long run out; continued, it comes back with a reply for an execution that is not its own any more.
  child.kill('SIGCONT');
  await eventually('it is a member again', async () =>
    (await membersOf(inject('stack').kafka, AGENTS_GROUP)).length === 2 ? true : undefined,
  );
  await new Promise((resolve) => setTimeout(resolve, LATE_MS));
  const journal = await stack.journalOf(taskId);
  const late = journal.slice(before);
  // What it writes before it learns of that stands under its stale claim: only the reply's cost counts, nothing else does.
  expect(late.filter(({ epoch }) => epoch !== 1)).toEqual([]);
  expect(late.filter(({ type }) => type === 'tool-call' || type === 'intent')).toEqual([]);
  expect(await resultsOf(taskId)).toHaveLength(1);
  expect((await replayOf(taskId)).identical).toBe(true);
  await worker.stop(1_000);
  worker = undefined;
  await children.kill(child);
}, 360_000);

test('an acknowledgement that was lost: the log is read before anything goes on, and what stands in it is not done again', async () => {
  const model = lookThenAnswer({ secondCallMs: 0 });
  const taskId = `task-of-test-${randomUUID()}`;
  // Every answer about the first model's reply, however often the producer asks again.
  const reply = 'freshet.agent-event.llm-response';
  const firstClaim = `${executionIdOf(taskId)}:1:`;
  const proxy = await startTcpProxy(inject('stack').kafka, (_, frame) =>
    frame.includes(reply) && frame.includes(firstClaim) ? 'answered' : 'none',
  );
  const kafka = await createKafkaJsClient({ brokers: [proxy.address], clientId: 'cut-off', retries: 4 });
  const writer = openRecordWriter(kafka);
  onTestFinished(async () => {
    await writer.close();
    await kafka.close();
    await proxy.close();
  });
  worker = await startTaskWorker({
    ...stack,
    writer,
    retriever: fixedRetriever(),
    models: [model],
    agents: [careful],
    workerName: 'worker-cut-off',
    concurrency: 4,
  });
  await stack.submit({ agent: 'careful', input: QUESTION, taskId });
  expect((await resultOf(taskId)).outcome).toBe('completed');
  expect(proxy.cuts().answered).toBeGreaterThan(0);
  expect(model.calls()).toBe(2);
  const journal = await stack.journalOf(taskId);
  const replies = journal.filter(({ type }) => type === 'llm-response').map(({ epoch }) => epoch);
  expect(replies).toEqual([1, 2]);
  expect(journal.filter(({ type }) => type === 'claim').map(({ epoch }) => epoch)).toEqual([1, 2]);
  const costs = await stack.read(TOPICS.costs.name, 'Cost', (cost) => cost.taskId === taskId);
  // An intent may have gone out behind the reply before its loss was known: it is counted by what it had reserved.
  expect(costs.filter(({ record }) => record.settled)).toHaveLength(2);
  expect(costs.length).toBeLessThanOrEqual(3);
  expect((await replayOf(taskId)).identical).toBe(true);
}, 360_000);

test('fault 3: a model step longer than the session timeout: no rebalance, other tasks go on', async () => {
  const events: string[] = [];
  // Whoever asks late finds it still under way.
  let answer = (): void => undefined;
  const mayAnswer = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const slow = lookThenAnswer({ secondCallMs: 8_000, mayAnswer });
  worker = await startTaskWorker({
    ...stack,
    retriever: fixedRetriever(),
    models: [slow],
    agents: [careful],
    workerName: 'worker-slow',
    concurrency: 4,
    sessionTimeoutMs: 6_000,
    onEvent: ({ name }) => events.push(name),
  });
  const first = await stack.submit({ agent: 'careful', input: QUESTION }, 2);
  await untilSecondCall(first);
  const second = await stack.submit({ agent: 'nobody', input: QUESTION }, 2);
  expect((await resultOf(second)).outcome).toBe('failed');
  expect(await resultsOf(first)).toEqual([]);
  answer();
  expect((await resultOf(first)).outcome).toBe('completed');
  const journal = await stack.journalOf(first);
  expect(journal.filter(({ type }) => type === 'claim')).toHaveLength(1);
  expect(events).not.toContain('execution-left');
}, 360_000);
