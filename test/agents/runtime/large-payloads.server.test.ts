/** Megabytes in an execution, on real servers: by reference in the journal, whole wherever they are needed, and only for their own tenant. */
import { createHash, randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { findAmong } from '../../../agents/replay/find-behaviour.ts';
import { findUses } from '../../../agents/replay/find-uses.ts';
import type { ReplayedExecution } from '../../../agents/replay/range-replay-state.ts';
import { replayExecution } from '../../../agents/replay/replay-execution.ts';
import { replayRange } from '../../../agents/replay/replay-range.ts';
import type { UsedBy } from '../../../agents/replay/used-in.ts';
import { INITIAL_STATE } from '../../../agents/runtime/execution-state.ts';
import { startTaskWorker, type TaskWorker } from '../../../agents/runtime/task-worker.ts';
import { addExecutionCommand } from '../../../cli/commands/execution.ts';
import { scanTopic } from '../../../connectors/kafka/scan.ts';
import type { LanguageModel, ModelMessage } from '../../../connectors/models/language/language-model.ts';
import { executionDetailSchema, taskSchema } from '../../../gateway/views/execution-view.ts';
import {
  type ExecutionProjection,
  startExecutionProjection,
} from '../../../pipelines/project-executions/project-executions.ts';
import { SNAPSHOT } from '../../../schemas/execution-snapshot.ts';
import type { AgentEvent } from '../../../schemas/records.ts';
import { executionIdOf } from '../../../schemas/task-identity.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { lookThenAnswer } from '../../failure/careful-agent.ts';
import { archivist, delegating, LARGE_BYTES, LAST_DOCUMENT, verbose } from '../../failure/large-agent.ts';
import { type GatewayUnderTest, startGatewayUnderTest } from '../../gateway/gateway-under-test.ts';
import { eventOf } from '../../support/event-of.ts';
import { runCommand } from '../../support/run-command.ts';
import { type AgentsStack, eventually, openAgentsStack } from '../agents-stack.ts';
import { fixedRetriever } from '../fixed-retriever.ts';
import { workerChildren } from '../worker-children.ts';

const PROGRAM = fileURLToPath(new URL('../../failure/agents-worker-process.ts', import.meta.url));
const TOPIC = TOPICS.agentEvents.name;
const AGENTS = [archivist, verbose, delegating];
const QUESTION = 'How long do I have to return a product?';
let stack: AgentsStack;
let projection: ExecutionProjection;
let under: GatewayUnderTest;
let worker: TaskWorker | undefined;
const children = workerChildren(PROGRAM);
/** What the worker of this process asked its model. */
const asked: (readonly ModelMessage[])[] = [];

const startWorker = (): Promise<TaskWorker> => {
  const looks = lookThenAnswer({ secondCallMs: 0 });
  const model: LanguageModel = {
    ...looks,
    generate: (request) => {
      asked.push(request.messages);
      return looks.generate(request);
    },
  };
  return startTaskWorker({
    ...stack,
    retriever: fixedRetriever(),
    models: [model],
    agents: AGENTS,
    workerName: 'worker-b',
    concurrency: 4,
    sessionTimeoutMs: 6_000,
  });
};

beforeAll(async () => {
  stack = await openAgentsStack();
  projection = await startExecutionProjection(stack);
  under = await startGatewayUnderTest({ agents: AGENTS });
});
afterEach(() => children.killAll());
afterAll(async () => {
  await worker?.stop(1_000);
  await projection?.stop();
  await under?.close();
  await stack?.close();
});

const resultOf = (taskId: string) =>
  eventually(
    `the result of ${taskId}`,
    async () =>
      (await stack.read(TOPICS.results.name, 'Result', (result) => result.taskId === taskId))[0]?.record,
  );
const journalOf = (taskId: string) => stack.journalOf(taskId);
const placeOf = (event: { readonly partition: number; readonly offset: number } | undefined) => ({
  topic: TOPIC,
  partition: event?.partition ?? 0,
  offset: event?.offset ?? 0,
});
const shownOf = async (taskId: string) =>
  eventually('the execution in the gateway', async () => {
    const { status, body } = await under.call(`/v1/executions/${executionIdOf(taskId)}`);
    const shown = status === 200 ? executionDetailSchema.parse(body) : undefined;
    return shown?.outcome ? shown : undefined;
  });

/** Of the execution that a worker was killed in, after its tool had returned five megabytes. */
let takenOver = '';

test('a worker is killed after a tool returned 5 MB: another comes to the same state, and goes on without calling it', async () => {
  const child = await children.start('worker-killed');
  const taskId = await stack.submit({ agent: 'archivist', input: QUESTION });
  await eventually('the second call of a model', async () => {
    const intents = (await journalOf(taskId)).filter(({ type }) => type === 'intent');
    return intents.length === 2 ? true : undefined;
  });
  await children.kill(child);
  worker = await startWorker();
  expect(await resultOf(taskId)).toMatchObject({ outcome: 'completed', error: null });
  takenOver = taskId;

  const journal = await journalOf(taskId);
  const looked = journal.filter(({ type, name }) => type === 'tool-call' && name === 'look');
  expect(looked).toHaveLength(1);
  const [{ output, outputPayload, partition } = { output: '', outputPayload: null, partition: -1 }] = looked;
  expect(output).toBeNull();
  expect(outputPayload?.bytes).toBeGreaterThan(LARGE_BYTES);
  expect(outputPayload?.at).toMatchObject({ topic: TOPICS.payloads.name, partition });
  expect(JSON.parse(outputPayload?.glance ?? '')).toMatchObject({ looked: child.pid });
  // The state that was restored is the state that was lost, bit by bit.
  const last = journal.findLast(({ epoch }) => epoch === 1);
  const claimed = journal.find(({ type, epoch }) => type === 'claim' && epoch === 2);
  expect(claimed?.stateHashBefore).toBe(last?.stateHashAfter);
  expect(claimed?.stateHashBefore).toMatch(/^[0-9a-f]{64}$/);
  // The model is told the beginning of it, and how long it is.
  const told = asked.at(-1)?.find(({ role }) => role === 'tool')?.content ?? '';
  expect(told.length).toBeLessThan(40_000);
  expect(told).toContain(`of ${outputPayload?.bytes} characters`);
});

test('it replays identically, alone and within a range; a fork takes it over, and its own journal holds it', async () => {
  const journal = await journalOf(takenOver);
  const { kafka, codec } = stack;
  const replay = await replayExecution({ kafka, codec, agents: AGENTS, at: placeOf(journal[0]) });
  expect(replay).toMatchObject({ identical: true, outsideCalls: 0, ended: true });
  const told: ReplayedExecution[] = [];
  const [from, to] = [placeOf(journal[0]), placeOf(journal.at(-1))];
  await replayRange({
    ...{ kafka, codec, findBehaviour: findAmong(AGENTS) },
    range: { ...from, from: from.offset, to: to.offset },
    onExecution: (each) => told.push(each),
  });
  expect(told.find(({ taskId }) => taskId === takenOver)).toMatchObject({ state: 'identical' });

  const step = journal.find(({ type, name }) => type === 'tool-call' && name === 'look')?.step ?? 0;
  const { partition, offset } = from;
  const forked = await stack.submit({
    ...{ agent: 'archivist', input: QUESTION },
    fork: { partition, offset, step, compensate: false },
  });
  expect(await resultOf(forked)).toMatchObject({ outcome: 'completed' });
  const copied = (await journalOf(forked)).find(({ type, name }) => type === 'tool-call' && name === 'look');
  const original = journal.find(({ type, name }) => type === 'tool-call' && name === 'look');
  expect(copied?.outputPayload?.hash).toBe(original?.outputPayload?.hash);
  expect(
    await replayExecution({ kafka, codec, agents: AGENTS, at: placeOf((await journalOf(forked))[0]) }),
  ).toMatchObject({ identical: true });
});

test('a document that only the payload names is found by who used it', async () => {
  const journal = await journalOf(takenOver);
  const uses: UsedBy[] = [];
  const read = await findUses({
    ...stack,
    id: LAST_DOCUMENT,
    from: placeOf(journal[0]),
    to: placeOf(journal.at(-1)),
    onUse: (use) => uses.push(use),
  });
  expect(uses.find(({ taskId }) => taskId === takenOver)).toMatchObject({
    brought: [{ via: 'tool', name: 'look' }],
    decisions: [{ kind: 'model' }, { kind: 'answer' }],
    cited: false,
    ended: true,
  });
  expect(read.lost).toBe(0);
});

test('it is shown at a glance and fetched whole, by its own execution and its own tenant alone (I9)', async () => {
  const executionId = executionIdOf(takenOver);
  const shown = await shownOf(takenOver);
  const step = shown.timeline.find(({ kind }) => kind === 'tool');
  const hash = step?.outputPayload?.hash ?? '';
  expect(JSON.stringify(step?.output).length).toBeLessThan(5_000);
  expect(step?.output).toMatchObject({ rows: expect.arrayContaining([expect.objectContaining({ row: 0 })]) });
  const path = `/v1/executions/${executionId}/payloads/${hash}`;
  const whole = await fetch(under.gateway.url + path);
  expect(whole.status).toBe(200);
  expect(whole.headers.get('content-type')).toContain('application/json');
  const text = await whole.text();
  expect(createHash('sha256').update(text).digest('hex')).toBe(hash);
  expect((JSON.parse(text) as { rows: unknown[] }).rows).toHaveLength(50_000);

  expect((await under.call(`${path}?tenant=acme`)).status).toBe(200);
  const refused = await under.call(`${path}?tenant=globex`);
  expect(refused).toMatchObject({ status: 404, body: { code: 'not-found' } });
  const other = await stack.submit({ agent: 'verbose', input: '10', tenant: 'globex' });
  await shownOf(other);
  const borrowed = await under.call(`/v1/executions/${executionIdOf(other)}/payloads/${hash}`);
  expect(borrowed).toMatchObject({ status: 404, body: { code: 'not-found' } });
  expect((await under.call(`/v1/executions/${executionId}/payloads/nothing`)).status).toBe(400);

  const run = { gateway: under.gateway.url };
  const short = await runCommand(addExecutionCommand, run, ['execution', 'show', executionId]);
  expect(short.stdout).toContain('MB in all: --full');
  expect(short.stdout.length).toBeLessThan(20_000);
  const full = await runCommand(addExecutionCommand, run, [
    ...['execution', 'show', executionId, '--full', '--json'],
  ]);
  expect(full.stdout.length).toBeGreaterThan(LARGE_BYTES);
  const { timeline } = executionDetailSchema.parse(JSON.parse(full.stdout));
  expect(timeline.find(({ kind }) => kind === 'tool')?.output).toMatchObject({
    last: { documentId: LAST_DOCUMENT },
  });
});

test('a long answer is whole in its result and over HTTP, and to whoever waits for it; one that fits no result is a failure that says so', async () => {
  const taskId = await stack.submit({ agent: 'verbose', input: '300000' });
  const result = await resultOf(taskId);
  expect((JSON.parse(result.output ?? '{}') as { text: string }).text).toHaveLength(300_000);
  expect((await journalOf(taskId)).at(-1)).toMatchObject({ type: 'response', output: null });
  await shownOf(taskId);
  const task = taskSchema.parse((await under.call(`/v1/tasks/${taskId}`)).body);
  expect((task.result as { text: string }).text).toHaveLength(300_000);

  const parent = await stack.submit({ agent: 'delegating', input: '200000' });
  expect(JSON.parse((await resultOf(parent)).output ?? '{}')).toMatchObject({
    text: 'it has 200000 characters',
  });

  const tooLong = await stack.submit({ agent: 'verbose', input: '9000000' });
  expect(await resultOf(tooLong)).toMatchObject({ outcome: 'failed', error: { code: 'too-large' } });
});

test('an execution whose payload is gone ends with one clear error, and so do its replay and its page', async () => {
  const taskId = `task-of-test-${randomUUID()}`;
  const executionId = executionIdOf(taskId);
  const partition = 4;
  const hash = 'ab'.repeat(32);
  const gone = {
    ...{ hash, bytes: 70_000, parts: 1, lastOffset: 1_000_000, glance: '{"rows":["…"]}' },
    at: { topic: TOPICS.payloads.name, partition, offset: 1_000_000 },
  };
  const of = { taskId, executionId, agent: 'archivist', tenant: 'acme', worker: 'worker-of-before' };
  const input = JSON.stringify({
    text: QUESTION,
    principal: null,
    feature: null,
    budget: null,
    createdAt: 1,
  });
  const events: readonly AgentEvent[] = [
    eventOf({ ...of, type: 'user-input', epoch: 0, input }),
    eventOf({ ...of, type: 'claim', sequence: 0 }),
    eventOf({ ...of, type: 'tool-call', name: 'retrieve', step: 1, sequence: 1, outputPayload: gone }),
  ];
  // Claimed under its eyes by another, it would leave it alone for as long as a session may last.
  await worker?.stop(1_000);
  await stack.writer.append(
    events.map((event) => ({
      ...{ topic: TOPIC, partition, key: taskId },
      value: stack.codec.encode('AgentEvent', event),
    })),
  );
  await stack.submit({ taskId, agent: 'archivist', input: QUESTION }, partition);
  worker = await startWorker();
  expect(await resultOf(taskId)).toMatchObject({ outcome: 'failed', error: { code: 'payload-lost' } });
  const at = placeOf((await journalOf(taskId))[0]);
  const lost = { code: 'payload-lost' };
  await expect(replayExecution({ ...stack, agents: AGENTS, at })).rejects.toMatchObject(lost);
  await shownOf(taskId);
  const page = await under.call(`/v1/executions/${executionId}/payloads/${hash}`);
  expect(page).toMatchObject({ status: 410, body: lost });
});

test('a task that waited, and whose snapshot is gone, ends with one clear error when its partition is taken over', async () => {
  const taskId = `task-of-test-${randomUUID()}`;
  const [executionId, partition] = [executionIdOf(taskId), 4];
  const first = (await stack.kafka.admin.offsets(TOPIC)).find((each) => each.partition === partition);
  const gone = {
    ...{ hash: 'cd'.repeat(32), bytes: 70_000, parts: 1, lastOffset: 1_000_001, glance: '{"task":{}}' },
    at: { topic: TOPICS.payloads.name, partition, offset: 1_000_001 },
  };
  const order = { ...INITIAL_STATE.order, epoch: 1, worker: 'worker-of-before' };
  await worker?.stop(1_000);
  const event = eventOf({
    ...{ taskId, executionId, agent: 'archivist', tenant: 'acme', worker: 'worker-of-before' },
    ...{ type: 'checkpoint', name: SNAPSHOT, sequence: 0, epoch: 1, outputPayload: gone },
    input: JSON.stringify({ from: first?.latest ?? 0, order, subtasks: [{ step: 3, name: 'ask_expert' }] }),
    task: { topic: TOPICS.tasks.name, partition, offset: 0 },
  });
  await stack.writer.append([
    { topic: TOPIC, partition, key: taskId, value: stack.codec.encode('AgentEvent', event) },
  ]);
  worker = await startWorker();
  expect(await resultOf(taskId)).toMatchObject({
    ...{ outcome: 'failed', tenant: 'acme', agent: 'archivist' },
    error: { code: 'payload-lost', message: expect.stringContaining('send it again') },
  });
  // What it had handed over would spend for nobody: asked to stop before the end was journaled.
  const cancelled: unknown[] = [];
  await scanTopic(stack.kafka, { topic: TOPICS.control.name }, async ({ key, value }) => {
    if (key?.toString('utf8') === `task:${executionIdOf(`${executionId}:3`)}`)
      cancelled.push(await stack.codec.decode('Control', value));
  });
  expect(cancelled).toMatchObject([{ action: 'cancel', reason: expect.stringContaining('payload-lost') }]);
});
