/**
 * On real Kafka: a worker is cut off right after it told a sub-task's parent of the end, and the sub-task is cancelled before another
 * takes it over. Its parent was told an answer, so it ends with that answer (I2).
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { replayRecorded } from '../../../agents/replay/replay-execution.ts';
import { startTaskWorker, type TaskWorker } from '../../../agents/runtime/task-worker.ts';
import { type HeardControls, openHeardControls } from '../../../agents/safety/heard-controls.ts';
import type { RecordWriter } from '../../../connectors/kafka/record-writer.ts';
import { estimateTokens } from '../../../connectors/models/language/estimate-tokens.ts';
import type { LanguageModel } from '../../../connectors/models/language/language-model.ts';
import {
  type ExecutionProjection,
  startExecutionProjection,
} from '../../../pipelines/project-executions/project-executions.ts';
import { defineAgent, delegateTo } from '../../../schemas/agent-definition.ts';
import { signalRecord } from '../../../schemas/control-signals.ts';
import { FreshetError } from '../../../schemas/errors.ts';
import { isEnding } from '../../../schemas/execution-payloads.ts';
import { executionIdOf } from '../../../schemas/task-identity.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { type AgentsStack, eventually, openAgentsStack } from '../agents-stack.ts';
import { fixedRetriever } from '../fixed-retriever.ts';

const ID = randomUUID().slice(0, 8);
const HELPER = `helper-${ID}`;
const usage = { inputTokens: 20, outputTokens: 5, cachedInputTokens: 0, reported: true };
/** Whoever has a tool asks it once, and says what it was told. */
const model: LanguageModel = {
  id: `scripted-${ID}`,
  price: { inputPerMillionUsd: '3', outputPerMillionUsd: '15' },
  contextTokens: 100_000,
  estimate: estimateTokens,
  generate: async ({ messages, tools = [] }) => {
    const told = messages.filter(({ role }) => role === 'tool');
    const [tool] = tools;
    if (tool && told.length === 0) {
      const toolCalls = [{ id: 'call-1', name: tool.name, arguments: { input: 'how long' } }];
      return { text: '', toolCalls, finishReason: 'tool-calls', usage };
    }
    const text = told.length > 0 ? told.map(({ content }) => content).join('\n') : 'thirty days';
    return { text, toolCalls: [], finishReason: 'stop', usage };
  },
};
const agents = [
  defineAgent({
    name: `boss-${ID}`,
    version: '1',
    instructions: 'Ask.',
    limits: { maxMs: 600_000 },
    tools: [delegateTo(HELPER, { description: 'knows' })],
  }),
  defineAgent({ name: HELPER, version: '1', instructions: 'Know.' }),
];

let stack: AgentsStack;
let projection: ExecutionProjection;
let control: HeardControls;
const workers: TaskWorker[] = [];

/** Nothing gets out any more once the parent was told. */
const cutOffAfterTelling = (writer: RecordWriter): { readonly writer: RecordWriter; cut: () => boolean } => {
  let cut = false;
  return {
    cut: () => cut,
    writer: {
      ...writer,
      append: async (records) => {
        if (cut) throw new FreshetError('append-failed', 'this worker is cut off');
        // Before the send: what comes while it is under way is not to go with the next.
        cut = records.some(({ headers }) => String(headers?.ce_id).endsWith(':ended'));
        return writer.append(records);
      },
    },
  };
};

const start = async (workerName: string, writer: RecordWriter): Promise<TaskWorker> => {
  const worker = await startTaskWorker({
    ...{ ...stack, writer, agents, control, workerName, models: [model] },
    ...{ retriever: fixedRetriever(), localTenant: 'acme', concurrency: 4, sessionTimeoutMs: 6_000 },
  });
  workers.push(worker);
  return worker;
};

beforeAll(async () => {
  stack = await openAgentsStack();
  control = await openHeardControls({ ...stack, localTenant: 'acme', onTrouble: () => undefined });
  projection = await startExecutionProjection(stack);
});
afterAll(async () => {
  for (const worker of workers) await worker.stop(0);
  await projection?.stop();
  await control?.close();
  await stack?.close();
});

const resultOf = (taskId: string) =>
  eventually(
    `the result of ${taskId}`,
    async () =>
      (await stack.read(TOPICS.results.name, 'Result', (result) => result.taskId === taskId))[0]?.record,
  );

test('a sub-task that is cancelled after its parent was told ends as its parent was told', async () => {
  const first = cutOffAfterTelling(stack.writer);
  const dying = await start('worker-cut-off', first.writer);
  const taskId = await stack.submit({ agent: agents[0]?.name ?? '', input: 'How long?' });
  const told = (events: Awaited<ReturnType<AgentsStack['journalOf']>>) =>
    events.filter(({ name }) => name === 'subtask-ended');
  const [word] = await eventually('a word to the parent', async () => {
    const words = told(await stack.journalOf(taskId));
    return words.length > 0 ? words : undefined;
  });
  const childId = word?.idempotencyKey ?? '';
  expect(first.cut()).toBe(true);
  const executionId = executionIdOf(childId);
  const asked = { by: 'ada', reason: 'no longer needed', at: Date.now() * 1_000 };
  const signal = signalRecord({ kind: 'cancel', taskId: childId, executionId, ...asked }, randomUUID());
  await stack.writer.append([
    { topic: TOPICS.control.name, key: signal.key, value: stack.codec.encode('Control', signal.control) },
  ]);
  const [asChild] = await stack.journalOf(childId);
  if (!asChild) throw new Error('nothing is journaled of it');
  const heard = control.open(asChild);
  await eventually('the cancellation, heard', () => heard.stop() ?? undefined);
  heard.close();
  await dying.stop(0);
  await start('worker-after', stack.writer);

  expect(await resultOf(childId)).toMatchObject({ outcome: 'completed', error: null });
  const result = await resultOf(taskId);
  expect(result.outcome).toBe('completed');
  expect(result.output).toContain('thirty days');
  const journal = await stack.journalOf(childId);
  expect(journal.filter(isEnding)).toHaveLength(1);
  expect(journal.filter(({ name }) => name === 'stop')).toEqual([]);
  expect(new Set(journal.filter(({ type }) => type === 'claim').map(({ epoch }) => epoch)).size).toBe(2);
  // It was told again, in the same words.
  const words = told(await stack.journalOf(taskId));
  expect(words.length).toBeGreaterThanOrEqual(2);
  expect(new Set(words.map(({ output, error }) => JSON.stringify([output, error]))).size).toBe(1);
  for (const each of [journal, await stack.journalOf(taskId)])
    expect(replayRecorded(each, agents).decisions.filter(({ same }) => !same)).toEqual([]);
});
