/** Fault 30: workers 2 → 4 → 2, again and again, under load: no stall, nothing lost, nothing done twice. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { startTaskWorker, type TaskWorker } from '../../agents/runtime/task-worker.ts';
import { estimateTokens } from '../../connectors/models/language/estimate-tokens.ts';
import type { LanguageModel } from '../../connectors/models/language/language-model.ts';
import { defineAgent, defineTool } from '../../schemas/agent-definition.ts';
import type { AgentEvent } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type AgentsStack, eventually, openAgentsStack } from '../agents/agents-stack.ts';
import { fixedRetriever } from '../agents/fixed-retriever.ts';

const AGENT = `moving-${randomUUID().slice(0, 8)}`;
const TASKS = 120;
const STEP_MS = 150;
let stack: AgentsStack;
const workers: TaskWorker[] = [];
const effects: string[] = [];
const usage = { inputTokens: 10, outputTokens: 5, cachedInputTokens: 0, reported: true };

/** Asks for the effect once, and answers when it is told of it. */
const model: LanguageModel = {
  id: `moving-${AGENT}`,
  price: { inputPerMillionUsd: '1', outputPerMillionUsd: '1' },
  contextTokens: 100_000,
  estimate: estimateTokens,
  generate: async ({ messages }) => {
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
    const told = messages.some(({ role }) => role === 'tool');
    const toolCalls = told ? [] : [{ id: 'call-1', name: 'count', arguments: {} }];
    return { text: told ? 'counted' : '', toolCalls, finishReason: told ? 'stop' : 'tool-calls', usage };
  },
};

const agent = defineAgent({
  name: AGENT,
  version: '1',
  instructions: 'Count.',
  tools: [
    defineTool({
      name: 'count',
      description: 'counts',
      effect: 'write',
      takesIdempotencyKey: true,
      arguments: z.object({}),
      execute: async (_, { idempotencyKey }) => effects.push(idempotencyKey),
    }),
  ],
});

const join = async (): Promise<void> => {
  const { kafka, codec, writer } = stack;
  workers.push(
    await startTaskWorker({
      ...{ kafka, codec, writer },
      retriever: fixedRetriever(),
      models: [model],
      agents: [agent],
      workerName: `worker-${workers.length}-${randomUUID().slice(0, 4)}`,
      concurrency: 4,
      sessionTimeoutMs: 6_000,
    }),
  );
};

const leave = async (): Promise<void> => {
  await workers.shift()?.stop(2_000);
};

beforeAll(async () => {
  stack = await openAgentsStack();
});

afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.stop(1_000)));
  await stack?.close();
});

test('every task gets one end, whoever comes and goes meanwhile (I2, I8)', async () => {
  await Promise.all([join(), join()]);
  const tasks: string[] = [];
  const load = (async () => {
    for (let at = 0; at < TASKS; at += 1) {
      tasks.push(await stack.submit({ agent: AGENT, input: `task ${at}` }));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  for (let round = 0; round < 2; round += 1) {
    await Promise.all([join(), join()]);
    await leave();
    await leave();
  }
  await load;
  const ends = await eventually('every end', async () => {
    const mine = new Set(tasks);
    const found = await stack.read(
      TOPICS.agentEvents.name,
      'AgentEvent',
      (event) => event.type === 'response' && mine.has(event.taskId),
    );
    return new Set(found.map(({ record }) => record.taskId)).size === TASKS ? found : undefined;
  });
  const counted = new Map<string, AgentEvent[]>();
  for (const { record } of ends) counted.set(record.taskId, [...(counted.get(record.taskId) ?? []), record]);
  expect(counted.size).toBe(TASKS);
  for (const [, found] of counted)
    expect(found.map(({ error }) => error?.code ?? null)).toEqual(found.map(() => null));
  // A call whose worker went is made again under the same key: as many keys as tasks, and no others.
  expect(new Set(effects).size).toBe(TASKS);
}, 360_000);
