/**
 * Fault 34: old executions are replayed, a whole range and one by one, while live ones with effects run in the same partition. A
 * replay reaches the same decisions each time and has no effect (I10); what is live has its effects once and its results (I8).
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { findAmong } from '../../agents/replay/find-behaviour.ts';
import type { ReplayedExecution } from '../../agents/replay/range-replay-state.ts';
import { replayExecution } from '../../agents/replay/replay-execution.ts';
import { replayRange } from '../../agents/replay/replay-range.ts';
import { startTaskWorker, type TaskWorker } from '../../agents/runtime/task-worker.ts';
import { estimateTokens } from '../../connectors/models/language/estimate-tokens.ts';
import type { LanguageModel } from '../../connectors/models/language/language-model.ts';
import {
  type ExecutionProjection,
  startExecutionProjection,
} from '../../pipelines/project-executions/project-executions.ts';
import { defineAgent, defineTool } from '../../schemas/agent-definition.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type AgentsStack, eventually, openAgentsStack } from '../agents/agents-stack.ts';
import { fixedRetriever } from '../agents/fixed-retriever.ts';

const PARTITION = 3;
const OLD = 10;
const LIVE = 10;
const topic = TOPICS.agentEvents.name;
/** What took effect outside, by idempotency key. */
const effects: string[] = [];
let searches = 0;
let calls = 0;
/** Live effects wait until replays have run beside them. */
let mayAct = Promise.resolve();

const agent = defineAgent({
  name: `acting-${randomUUID().slice(0, 8)}`,
  version: '1',
  instructions: 'Act once, then answer.',
  retrieve: { topK: 2 },
  tools: [
    defineTool({
      name: 'act',
      description: 'acts',
      effect: 'write',
      takesIdempotencyKey: true,
      arguments: z.object({}),
      execute: async (_, { idempotencyKey }) => {
        await mayAct;
        effects.push(idempotencyKey);
        return { acted: effects.length };
      },
    }),
  ],
});
const model: LanguageModel = {
  id: 'act-then-answer',
  price: { inputPerMillionUsd: '3', outputPerMillionUsd: '15' },
  contextTokens: 100_000,
  estimate: estimateTokens,
  generate: async ({ messages }) => {
    calls += 1;
    const acted = messages.some(({ role }) => role === 'tool');
    return {
      text: acted ? 'Done [1].' : '',
      toolCalls: acted ? [] : [{ id: 'call-1', name: 'act', arguments: {} }],
      finishReason: acted ? 'stop' : 'tool-calls',
      usage: { inputTokens: 50, outputTokens: 5, cachedInputTokens: 0, reported: true },
    };
  },
};

let stack: AgentsStack;
let worker: TaskWorker;
let projection: ExecutionProjection;

beforeAll(async () => {
  stack = await openAgentsStack();
  projection = await startExecutionProjection(stack);
  worker = await startTaskWorker({
    ...stack,
    retriever: fixedRetriever(() => {
      searches += 1;
    }),
    models: [model],
    agents: [agent],
    workerName: 'worker-beside-replays',
    concurrency: 16,
  });
});

afterAll(async () => {
  await worker?.stop(1_000);
  await projection?.stop();
  await stack?.close();
});

const submit = (count: number): Promise<readonly string[]> =>
  Promise.all(
    Array.from({ length: count }, (_, number) =>
      stack.submit({ agent: agent.name, input: `Act ${number}.` }, PARTITION),
    ),
  );

const journal = () => stack.read(topic, 'AgentEvent', (event) => event.agent === agent.name);

const untilAll = (what: string, type: 'intent' | 'response', count: number) =>
  eventually(`${count} ${what}`, async () => {
    const found = await journal();
    return found.filter(({ record }) => record.type === type).length >= count ? found : undefined;
  });

type Journal = Awaited<ReturnType<typeof journal>>;

/** Told of the given tasks: the whole range of the journal in one pass, and each of them by itself. */
const replay = async (events: Journal, taskIds: readonly string[]) => {
  const range = { topic, partition: PARTITION, from: events[0]?.offset ?? 0, to: events.at(-1)?.offset ?? 0 };
  const told: ReplayedExecution[] = [];
  const { outsideCalls } = await replayRange({
    ...{ ...stack, range, findBehaviour: findAmong([agent]) },
    onExecution: (execution) => told.push(execution),
  });
  expect(outsideCalls).toBe(0);
  const single = await Promise.all(
    taskIds.map((taskId) => {
      const { partition = 0, offset = 0 } = events.find(({ record }) => record.taskId === taskId) ?? {};
      return replayExecution({ ...stack, agents: [agent], at: { topic, partition, offset } });
    }),
  );
  const inRange = told.filter(({ taskId }) => taskIds.includes(taskId));
  return { inRange: inRange.sort((a, b) => a.offset - b.offset), single };
};

test('fault 34: replays of old executions beside live ones are the same each time, and act on nothing', async () => {
  const old = await submit(OLD);
  const ended = await untilAll('old executions ended', 'response', OLD);
  const alone = await replay(ended, old);
  expect(alone.inRange.map(({ state }) => state)).toEqual(old.map(() => 'identical'));
  expect(alone.single.every(({ identical }) => identical)).toBe(true);

  let act = (): void => undefined;
  mayAct = new Promise((resolve) => {
    act = resolve;
  });
  const live = await submit(LIVE);
  // A question to the model and the effect of each, and of the live ones too.
  const underWay = await untilAll('calls under way', 'intent', 3 * OLD + 2 * LIVE);
  const counted = { effects: [...effects], searches, calls };
  expect(await replay(ended, old)).toEqual(alone);
  const beside = await replay(underWay, live);
  expect(beside.inRange.map(({ state }) => state)).toEqual(live.map(() => 'unfinished'));
  expect(beside.single.map(({ ended, identical }) => [ended, identical])).toEqual(
    live.map(() => [false, true]),
  );
  expect({ effects, searches, calls }).toEqual(counted);

  // And while they act and end.
  act();
  expect(await replay(ended, old)).toEqual(alone);
  const all = await untilAll('executions ended', 'response', OLD + LIVE);
  const after = await replay(all, [...old, ...live]);
  expect(after.inRange.map(({ state }) => state)).toEqual([...old, ...live].map(() => 'identical'));
  expect(effects).toHaveLength(OLD + LIVE);
  expect(new Set(effects).size).toBe(OLD + LIVE);
  expect({ searches, calls }).toEqual({ searches: OLD + LIVE, calls: 2 * (OLD + LIVE) });
  const results = await eventually('all results', async () => {
    const found = await stack.read(TOPICS.results.name, 'Result', (result) => result.agent === agent.name);
    return found.length >= OLD + LIVE ? found.map(({ record }) => record) : undefined;
  });
  expect(results.map(({ taskId }) => taskId).sort()).toEqual([...old, ...live].sort());
  expect(results.every(({ outcome }) => outcome === 'completed')).toBe(true);
});
