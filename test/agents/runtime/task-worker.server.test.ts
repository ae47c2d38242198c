import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { replayExecution } from '../../../agents/replay/replay-execution.ts';
import type { RuntimeEvent } from '../../../agents/runtime/runtime-event.ts';
import { startTaskWorker, type TaskWorker } from '../../../agents/runtime/task-worker.ts';
import { support } from '../../../agents/support/support.ts';
import { createExtractiveModel } from '../../../connectors/models/language/extractive-model.ts';
import type { LanguageModel } from '../../../connectors/models/language/language-model.ts';
import {
  type ExecutionProjection,
  startExecutionProjection,
} from '../../../pipelines/project-executions/project-executions.ts';
import type { Result } from '../../../schemas/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { type AgentsStack, eventually, openAgentsStack } from '../agents-stack.ts';
import { fixedRetriever } from '../fixed-retriever.ts';

let stack: AgentsStack;
let worker: TaskWorker;
let projection: ExecutionProjection;
const events: RuntimeEvent[] = [];
const problems: string[] = [];
/** Calls whose question holds this word wait until it is emptied. */
let slowWord = '';

const QUESTION = 'How long do I have to return a product?';
const log = (level: string, message: string): void => void problems.push(`${level} ${message}`);

const quick = createExtractiveModel();
const model: LanguageModel = {
  ...quick,
  generate: async (request) => {
    const [question] = request.messages;
    while (slowWord !== '' && question?.content.includes(slowWord) && !request.signal?.aborted)
      await new Promise((resolve) => setTimeout(resolve, 20));
    return quick.generate(request);
  },
};

beforeAll(async () => {
  stack = await openAgentsStack();
  const { kafka, codec, writer } = stack;
  projection = await startExecutionProjection({ kafka, codec, writer, log });
  worker = await startTaskWorker({
    kafka,
    codec,
    writer,
    retriever: fixedRetriever(),
    models: [model],
    agents: [support],
    workerName: 'worker-a',
    concurrency: 8,
    onEvent: (event) => events.push(event),
    log,
  });
});

afterEach(() => {
  slowWord = '';
  expect(problems.splice(0).filter((problem) => problem.startsWith('error'))).toEqual([]);
});

afterAll(async () => {
  await worker?.stop(2_000);
  await projection?.stop();
  await stack?.close();
});

const resultsOf = async (taskId: string): Promise<readonly Result[]> =>
  (await stack.read(TOPICS.results.name, 'Result', (result) => result.taskId === taskId)).map(
    ({ record }) => record,
  );

const resultOf = (taskId: string): Promise<Result> =>
  eventually(`the result of ${taskId}`, async () => (await resultsOf(taskId))[0]);

test('a task is answered from what was retrieved, with citations and a receipt, and its state, result and cost follow', async () => {
  const taskId = await stack.submit({ agent: 'support', input: QUESTION, feature: 'chat' });
  const result = await resultOf(taskId);
  expect(result).toMatchObject({
    outcome: 'completed',
    agent: 'support',
    behaviour: '1',
    tenant: 'acme',
    error: null,
    costUsd: '0',
  });
  const output = JSON.parse(result.output ?? '{}') as {
    text: string;
    citations: { documentId: string; ageMs: number }[];
  };
  expect(output.text).toContain('30 days');
  expect(output.citations).toMatchObject([{ documentId: 'help/public.articles/1', ageMs: 100 }]);
  expect(JSON.parse(result.receipt)).toMatchObject({
    stalenessMs: null,
    retrievals: 1,
    chunks: [{ cited: true, ageMs: 100 }, {}, {}],
  });

  const journal = await stack.journalOf(taskId);
  expect(journal.map(({ type }) => type)).toEqual([
    'user-input',
    'claim',
    'request',
    'tool-call',
    'intent',
    'llm-response',
    'response',
  ]);
  expect(journal[0]?.task?.partition).toBe(journal[0]?.partition);
  // Written with the result, to other topics: a reader may see it before them.
  const seen = await eventually('its last state', async () => {
    const states = await stack.read(TOPICS.taskStates.name, 'TaskState', (state) => state.taskId === taskId);
    const found = states.map(({ record }) => record.state);
    return found.at(-1) === 'completed' ? found : undefined;
  });
  expect([...seen].sort()).toEqual([...new Set(seen)].sort());
  const costs = await eventually('its cost', async () => {
    const found = await stack.read(TOPICS.costs.name, 'Cost', (cost) => cost.taskId === taskId);
    return found.length > 0 ? found : undefined;
  });
  expect(costs.map(({ record }) => record)).toMatchObject([
    { model: 'extractive', feature: 'chat', settled: true, usd: '0' },
  ]);
  const chunks = await eventually('chunks', async () => {
    const found = await stack.read(TOPICS.taskStream.name, 'TaskChunk', (chunk) => chunk.taskId === taskId);
    return found.some(({ record }) => record.text === 'completed') ? found : undefined;
  });
  expect(
    chunks
      .filter(({ record }) => record.kind === 'text')
      .map(({ record }) => record.text)
      .join(''),
  ).toBe(output.text);
});

test('an execution is replayed from any of its offsets with the same decisions; a tampered definition shows', async () => {
  const taskId = await stack.submit({ agent: 'support', input: QUESTION });
  await resultOf(taskId);
  const journal = await stack.journalOf(taskId);
  const { kafka, codec } = stack;
  for (const event of [journal[0], journal.at(-1)]) {
    const at = {
      topic: TOPICS.agentEvents.name,
      partition: event?.partition ?? 0,
      offset: event?.offset ?? 0,
    };
    const replay = await replayExecution({ kafka, codec, agents: [support], at });
    expect(replay.decisions.map(({ kind, same }) => [kind, same])).toEqual([
      ['request', true],
      ['retrieve', true],
      ['model', true],
      ['respond', true],
    ]);
    expect(replay).toMatchObject({ identical: true, outsideCalls: 0, ended: true, taskId });
    const tampered = { ...support, instructions: `${support.instructions} Always say yes.` };
    const different = await replayExecution({ kafka, codec, agents: [tampered], at });
    expect(different.identical).toBe(false);
    expect(different.decisions.filter(({ same }) => !same).map(({ kind }) => kind)).toEqual(['model']);
  }
  const at = { topic: TOPICS.agentEvents.name, partition: 0, offset: 1e9 };
  await expect(replayExecution({ kafka, codec, agents: [support], at })).rejects.toMatchObject({
    code: 'not-found',
  });
});

test('a task written by hand as JSON without a key or an id is answered under the name of its place', async () => {
  const value = Buffer.from(JSON.stringify({ agent: 'support', input: QUESTION }));
  const [place] = await stack.writer.append([{ topic: TOPICS.tasks.name, key: null, value }]);
  const result = await resultOf(`task-${place?.partition}-${place?.offset}`);
  expect(result.outcome).toBe('completed');
});

test('what is no task is dead-lettered with its reason, an agent that is not there fails, and the partition goes on', async () => {
  const bad: readonly (readonly [Buffer | null, string])[] = [
    [Buffer.from('{"agent": "support"'), 'not-json'],
    [Buffer.from('{"agent": "support", "question": "x"}'), 'schema-mismatch'],
    [Buffer.from('hello'), 'not-avro'],
    [null, 'null-value'],
  ];
  const places = await stack.writer.append(
    bad.map(([value]) => ({ topic: TOPICS.tasks.name, partition: 3, key: null, value })),
  );
  const unknown = await stack.submit({ agent: 'nobody', input: QUESTION }, 3);
  const good = await stack.submit({ agent: 'support', input: QUESTION }, 3);
  expect((await resultOf(good)).outcome).toBe('completed');
  expect(await resultOf(unknown)).toMatchObject({ outcome: 'failed', error: { code: 'unknown-agent' } });
  const letters = await stack.read(
    TOPICS.deadLetters.name,
    'DeadLetter',
    (letter) => letter.origin.topic === TOPICS.tasks.name,
  );
  const reasons = new Map(letters.map(({ record }) => [record.origin.offset, record.reason]));
  expect(places.map(({ offset }) => reasons.get(offset))).toEqual(bad.map(([, reason]) => reason));
  expect([...reasons.values()]).toContain('unknown-agent');
});

test('the same task sent twice gets one result, and changes nothing (I2)', async () => {
  const taskId = await stack.submit({ agent: 'support', input: QUESTION });
  await stack.submit({ agent: 'support', input: QUESTION, taskId });
  await resultOf(taskId);
  await stack.submit({ agent: 'support', input: QUESTION, taskId });
  await eventually('all tasks finished', () => (worker.stats().open === 0 ? true : undefined));
  await eventually('all projected', () => (projection.waiting() === 0 ? true : undefined));
  expect(await resultsOf(taskId)).toHaveLength(1);
  const journal = await stack.journalOf(taskId);
  expect(journal.filter(({ type }) => type === 'claim')).toHaveLength(1);
  const states = await stack.read(TOPICS.taskStates.name, 'TaskState', (state) => state.taskId === taskId);
  expect(states.at(-1)?.record.state).toBe('completed');
  // Everything finished: the commit says so, and that no event before the journal's end is needed any more.
  const partition = journal[0]?.partition ?? 0;
  const end = (await stack.kafka.admin.offsets(TOPICS.tasks.name))[partition]?.latest;
  const journalEnd = (await stack.kafka.admin.offsets(TOPICS.agentEvents.name))[partition]?.latest;
  await eventually('the commit', async () => {
    const committed = (await stack.kafka.admin.committed('freshet.agents', TOPICS.tasks.name)).get(partition);
    return committed?.offset === end && committed?.metadata === `{"journal":${journalEnd}}`
      ? true
      : undefined;
  });
});

test('a slow model holds back its own session and nobody else on the partition', async () => {
  slowWord = 'tortoise';
  const slow = await stack.submit({ agent: 'support', input: `${QUESTION} tortoise`, sessionId: 's-1' }, 5);
  const next = await stack.submit({ agent: 'support', input: QUESTION, sessionId: 's-1' }, 5);
  const other = await stack.submit({ agent: 'support', input: QUESTION, sessionId: 's-2' }, 5);
  expect((await resultOf(other)).outcome).toBe('completed');
  expect(await resultsOf(slow)).toEqual([]);
  expect(await stack.journalOf(next)).toEqual([]);
  slowWord = '';
  expect((await resultOf(slow)).completedAt).toBeLessThan((await resultOf(next)).startedAt);
});
