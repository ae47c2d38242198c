/** A worker on real Kafka that is spoken to while it works: cancelled, approved, handed sub-tasks, forked, told when to begin. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { replayExecution } from '../../../agents/replay/replay-execution.ts';
import { startTaskWorker, type TaskWorker } from '../../../agents/runtime/task-worker.ts';
import { type HeardControls, openHeardControls } from '../../../agents/safety/heard-controls.ts';
import { estimateTokens } from '../../../connectors/models/language/estimate-tokens.ts';
import type { LanguageModel, ModelReply } from '../../../connectors/models/language/language-model.ts';
import {
  type ExecutionProjection,
  startExecutionProjection,
} from '../../../pipelines/project-executions/project-executions.ts';
import {
  type AgentDefinition,
  defineAgent,
  defineTool,
  delegateTo,
} from '../../../schemas/agent-definition.ts';
import { hashOf } from '../../../schemas/canonical-json.ts';
import { type ControlSignal, signalRecord } from '../../../schemas/control-signals.ts';
import { parseUsd } from '../../../schemas/money.ts';
import type { Result } from '../../../schemas/records.ts';
import { executionIdOf } from '../../../schemas/task-identity.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { type AgentsStack, eventually, openAgentsStack } from '../agents-stack.ts';
import { fixedRetriever } from '../fixed-retriever.ts';

const ID = randomUUID().slice(0, 8);
let stack: AgentsStack;
let worker: TaskWorker;
let projection: ExecutionProjection;
let control: HeardControls;
const effects: string[] = [];
const undone: string[] = [];
const begun: string[] = [];

const usage = { inputTokens: 20, outputTokens: 5, cachedInputTokens: 0, reported: true };
const says = (text: string): ModelReply => ({ text, toolCalls: [], finishReason: 'stop', usage });
const asks = (
  ...calls: readonly { readonly name: string; readonly arguments: Record<string, string> }[]
) => ({
  text: '',
  toolCalls: calls.map((call, at) => ({ id: `call-${at}`, ...call })),
  finishReason: 'tool-calls' as const,
  usage,
});

/** What it does is the first word of its question; what tools said ends it. */
const model: LanguageModel = {
  id: `scripted-${ID}`,
  price: { inputPerMillionUsd: '3', outputPerMillionUsd: '15' },
  contextTokens: 100_000,
  estimate: estimateTokens,
  generate: async ({ messages, signal }) => {
    const [question] = messages;
    const told = messages.filter(({ role }) => role === 'tool');
    const [word = '', ...rest] = (question?.content ?? '').split(' ');
    begun.push(question?.content ?? '');
    if (told.length > 0) return says(`told: ${told.map(({ content }) => content).join(' | ')}`);
    if (word === 'hang') {
      await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
    }
    if (word === 'change') return asks({ name: 'change', arguments: { what: rest.join(' ') } });
    if (word === 'share')
      return asks(...rest.map((part) => ({ name: `ask-helper-${ID}`, arguments: { input: `say ${part}` } })));
    if (word === 'leave')
      return asks(
        ...rest.map((part) => ({ name: `ask-helper-${ID}`, arguments: { input: `hang ${part}` } })),
      );
    return says(rest.join(' '));
  },
};

const change = defineTool({
  name: 'change',
  description: 'changes something',
  effect: 'write',
  takesIdempotencyKey: true,
  arguments: z.object({ what: z.string() }),
  execute: async ({ what }, { idempotencyKey }) => {
    effects.push(`${what} ${idempotencyKey}`);
    return { done: what };
  },
  compensate: async ({ what }) => void undone.push(what),
});

const agents: readonly AgentDefinition[] = [
  defineAgent({
    name: `boss-${ID}`,
    version: '1',
    instructions: 'Do it.',
    limits: { maxMs: 600_000 },
    tools: [change, delegateTo(`helper-${ID}`, { description: 'helps' })],
  }),
  defineAgent({
    name: `asking-${ID}`,
    version: '1',
    instructions: 'Do it.',
    tools: [{ ...change, approval: true }],
  }),
  defineAgent({ name: `helper-${ID}`, version: '1', instructions: 'Help.' }),
];

beforeAll(async () => {
  stack = await openAgentsStack();
  const { kafka, codec, writer } = stack;
  control = await openHeardControls({ kafka, codec, localTenant: 'acme', onTrouble: () => undefined });
  projection = await startExecutionProjection({ kafka, codec, writer });
  worker = await startTaskWorker({
    ...{ kafka, codec, writer, agents, control },
    retriever: fixedRetriever(),
    models: [model],
    workerName: 'worker-c',
    localTenant: 'acme',
    // Fewer places than executions that wait: one that waits must not hold its place.
    concurrency: 2,
  });
});

afterAll(async () => {
  await worker?.stop(2_000);
  await projection?.stop();
  await control?.close();
  await stack?.close();
});

const resultOf = (taskId: string): Promise<Result> =>
  eventually(
    `the result of ${taskId}`,
    async () =>
      (await stack.read(TOPICS.results.name, 'Result', (result) => result.taskId === taskId))[0]?.record,
  );

const say = async (signal: ControlSignal): Promise<void> => {
  const { key, control: value } = signalRecord(signal, randomUUID());
  await stack.writer.append([
    { topic: TOPICS.control.name, key, value: stack.codec.encode('Control', value) },
  ]);
};

const asked = { by: 'ada', reason: 'seen', at: Date.now() * 1_000 };

const isSame = async (taskId: string): Promise<boolean> => {
  const [first] = await stack.journalOf(taskId);
  if (!first) return false;
  const at = { topic: TOPICS.agentEvents.name, partition: first.partition, offset: first.offset };
  return (await replayExecution({ ...stack, agents, at })).identical;
};

test('a task that is cancelled in the middle of a model call ends at once, halted, and others go on', async () => {
  const slow = await stack.submit({ agent: `boss-${ID}`, input: 'hang on' });
  await eventually('the call', () => (begun.includes('hang on') ? true : undefined));
  await say({ ...asked, kind: 'cancel', executionId: executionIdOf(slow), taskId: slow });
  const other = await stack.submit({ agent: `boss-${ID}`, input: 'say hello' });
  expect(await resultOf(slow)).toMatchObject({ outcome: 'halted', error: { code: 'cancelled' } });
  expect(await resultOf(other)).toMatchObject({ outcome: 'completed' });
  expect(await isSame(slow)).toBe(true);
});

test('more calls than there are places wait for approval, others go on meanwhile, and each runs once when it is given', async () => {
  const waiting = await Promise.all(
    [1, 2, 3].map((at) => stack.submit({ agent: `asking-${ID}`, input: `change thing-${at}` })),
  );
  for (const taskId of waiting)
    await eventually('the question', async () =>
      (await stack.journalOf(taskId)).find(({ name }) => name === 'approval-asked'),
    );
  expect(await resultOf(await stack.submit({ agent: `boss-${ID}`, input: 'say hi' }))).toMatchObject({
    outcome: 'completed',
  });
  for (const [index, taskId] of waiting.entries()) {
    const step = (await stack.journalOf(taskId)).find(({ name }) => name === 'approval-asked')?.step ?? 0;
    const argumentsHash = hashOf({ what: `thing-${index + 1}` });
    const subject = { executionId: executionIdOf(taskId), step, argumentsHash };
    const decision = index === 2 ? 'deny' : 'approve';
    await say({ ...asked, at: Date.now() * 1_000, kind: 'approval', subject, taskId, decision });
  }
  for (const taskId of waiting) {
    expect(await resultOf(taskId)).toMatchObject({ outcome: 'completed' });
    expect(await isSame(taskId)).toBe(true);
  }
  expect(effects.map((each) => each.split(' ')[0]).sort()).toEqual(['thing-1', 'thing-2']);
});

test('three sub-tasks run beside each other and are joined, their money is one budget and counted once (I3)', async () => {
  const taskId = await stack.submit({
    agent: `boss-${ID}`,
    input: 'share a b c',
    budget: { maxUsd: '0.10', maxSteps: null },
  });
  const result = await resultOf(taskId);
  expect(result.error).toBeNull();
  for (const part of ['a', 'b', 'c']) expect(result.output).toContain(`\\"text\\":\\"${part}\\"`);
  const journal = await stack.journalOf(taskId);
  const children = journal
    .filter(({ type, priceTable }) => type === 'intent' && priceTable === 'delegated')
    .map(({ idempotencyKey }) => idempotencyKey ?? '');
  expect(children).toHaveLength(3);
  // Of the children by other partitions than the parent's result: they may come later.
  const costs = await eventually('all costs', async () => {
    const found = await stack.read(
      TOPICS.costs.name,
      'Cost',
      (cost) => cost.taskId === taskId || children.includes(cost.taskId),
    );
    return new Set(found.map(({ record }) => record.costId)).size >= 5 ? found : undefined;
  });
  expect(new Set(costs.map(({ record }) => record.costId)).size).toBe(5);
  const spent = new Map(costs.map(({ record }) => [record.costId, parseUsd(record.usd)]));
  expect([...spent.values()].reduce((sum, usd) => sum + usd, 0n)).toBe(parseUsd(result.costUsd));
  expect(await isSame(taskId)).toBe(true);
});

test('sub-tasks that nobody waits for any more are cancelled with the task that handed them over', async () => {
  const taskId = await stack.submit({ agent: `boss-${ID}`, input: `leave ${ID}-a ${ID}-b` });
  await eventually(
    'both sub-tasks are under way',
    async () => begun.filter((text) => text.startsWith(`hang ${ID}`)).length === 2 || undefined,
    40_000,
  );
  const executionId = executionIdOf(taskId);
  await say({ kind: 'cancel', taskId, executionId, ...asked });
  expect((await resultOf(taskId)).error?.code).toBe('cancelled');
  const children = (await stack.journalOf(taskId)).flatMap(({ type, priceTable, idempotencyKey }) =>
    type === 'intent' && priceTable === 'delegated' ? [idempotencyKey ?? ''] : [],
  );
  expect(children).toHaveLength(2);
  for (const child of children) {
    const { error } = await resultOf(child);
    expect(error).toMatchObject({ code: 'cancelled' });
    expect(error?.message).toContain(taskId);
  }
});

test('a fork goes on from a recorded step under its own name, and first undoes what the origin did after it', async () => {
  const origin = await stack.submit({ agent: `boss-${ID}`, input: 'change the-world' });
  await resultOf(origin);
  const [first] = await stack.journalOf(origin);
  const fork = await stack.submit({
    agent: `boss-${ID}`,
    input: 'change the-world',
    fork: { partition: first?.partition ?? 0, offset: first?.offset ?? 0, step: 1, compensate: true },
  });
  expect(await resultOf(fork)).toMatchObject({ outcome: 'completed' });
  expect(undone).toEqual(['the-world']);
  const kept = (await stack.journalOf(fork)).filter(
    ({ type, step }) => type === 'llm-response' && step === 1,
  );
  expect(kept).toHaveLength(1);
  expect(await isSame(fork)).toBe(true);
});

test('what ran without a tenant is forked as the local tenant’s, and not as another’s', async () => {
  const origin = await stack.submit({ agent: `boss-${ID}`, input: 'say whose', tenant: null });
  await resultOf(origin);
  const [first] = await stack.journalOf(origin);
  const fork = { partition: first?.partition ?? 0, offset: first?.offset ?? 0, step: 0, compensate: false };
  const forkedAs = async (tenant: string) =>
    resultOf(await stack.submit({ agent: `boss-${ID}`, input: 'say whose', tenant, fork }));
  expect(await forkedAs('acme')).toMatchObject({ outcome: 'completed' });
  expect(await forkedAs('globex')).toMatchObject({ outcome: 'failed', error: { code: 'task-invalid' } });
});

test('a task that is to begin later begins later, one past its deadline is halted', async () => {
  const later = (Date.now() + 2_000) * 1_000;
  const taskId = await stack.submit({ agent: `boss-${ID}`, input: 'say later', notBefore: later });
  const dead = await stack.submit({
    agent: `boss-${ID}`,
    input: 'say never',
    deadlineAt: (Date.now() - 1_000) * 1_000,
  });
  expect(await resultOf(dead)).toMatchObject({ outcome: 'halted', error: { code: 'deadline' } });
  expect((await resultOf(taskId)).startedAt).toBeGreaterThanOrEqual(later);
});

test('what has not begun is cancelled, and halted past its deadline, without its turn: far in the future, or behind another of its session', async () => {
  const agent = `asking-${ID}`;
  const session = { agent, sessionId: `session-${ID}` };
  const far = { agent, input: 'say far', notBefore: (Date.now() + 30 * 86_400_000) * 1_000 };
  const first = await stack.submit({ ...session, input: 'change what-comes-first' });
  await eventually('the question', async () =>
    (await stack.journalOf(first)).find(({ name }) => name === 'approval-asked'),
  );
  const cancelled = await Promise.all([stack.submit(far), stack.submit({ ...session, input: 'say behind' })]);
  const late = await stack.submit({
    ...session,
    input: 'say late',
    deadlineAt: (Date.now() + 1_000) * 1_000,
  });
  for (const taskId of cancelled)
    await say({ ...asked, kind: 'cancel', executionId: executionIdOf(taskId), taskId });
  for (const taskId of cancelled)
    expect(await resultOf(taskId)).toMatchObject({ outcome: 'halted', error: { code: 'cancelled' } });
  expect(await resultOf(late)).toMatchObject({ outcome: 'halted', error: { code: 'deadline' } });
  for (const word of ['far', 'behind', 'late']) expect(begun).not.toContain(`say ${word}`);
  // The first of the session still waits, and what comes after it in its turn.
  const after = await stack.submit({ ...session, input: 'say after' });
  expect((await stack.journalOf(first)).at(-1)?.type).not.toBe('response');
  await say({ ...asked, kind: 'cancel', executionId: executionIdOf(first), taskId: first });
  expect(await resultOf(after)).toMatchObject({ outcome: 'completed' });
});

test('a worker that only waits for people stops without waiting out its grace time', async () => {
  const taskId = await stack.submit({ agent: `asking-${ID}`, input: 'change nothing-yet' });
  await eventually('the question', async () =>
    (await stack.journalOf(taskId)).find(({ name }) => name === 'approval-asked'),
  );
  // Longer than a test may take: it would not end in time.
  await worker.stop(3_600_000);
  expect((await stack.journalOf(taskId)).at(-1)?.name).toBe('released');
});
