/** Executions under the guards that workers share, on a real Redis: breakers that are all open are waited for, and a day's money that a tool would pass halts. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { z } from 'zod';
import { replayRecorded } from '../../../agents/replay/replay-execution.ts';
import { startTaskWorker, type TaskWorker } from '../../../agents/runtime/task-worker.ts';
import { openCallGuards } from '../../../agents/safety/call-guards.ts';
import { createBudgetRebuilder } from '../../../agents/safety/rebuild-budgets.ts';
import { estimateTokens } from '../../../connectors/models/language/estimate-tokens.ts';
import type { LanguageModel } from '../../../connectors/models/language/language-model.ts';
import { openRedisBudgetLedger } from '../../../connectors/redis/redis-budget-ledger.ts';
import { openSharedBreakers, type SharedBreakers } from '../../../connectors/redis/shared-breaker.ts';
import { type AgentDefinition, defineAgent, defineTool } from '../../../schemas/agent-definition.ts';
import { type BudgetLedger, dayOf, startOfDay } from '../../../schemas/budget-ledger.ts';
import { systemClock } from '../../../schemas/clock.ts';
import { createControlView } from '../../../schemas/control-view.ts';
import type { Retriever } from '../../../schemas/search.ts';
import { type AgentsStack, eventually, openAgentsStack } from '../agents-stack.ts';
import { fixedRetriever } from '../fixed-retriever.ts';

const RUN = randomUUID().slice(0, 8);
/** Longer than it takes from the retrieval, which opens them, to the question to a model. */
const OPEN_MS = 8_000;
const NOON_MICROS = 43_200_000_000;
/** Noon of today at the start: a run over midnight is of one day. */
const started = systemClock();
const day = dayOf(started);
const clock = (): number => startOfDay(day) * 1_000 + NOON_MICROS + systemClock() - started;

const bought: number[] = [];
const usage = { inputTokens: 20, outputTokens: 5, cachedInputTokens: 0, reported: true };
/** Costs nothing. Where it has a tool it asks for it three times. */
const modelOf = (id: string): LanguageModel => ({
  id,
  price: { inputPerMillionUsd: '0', outputPerMillionUsd: '0' },
  contextTokens: 100_000,
  estimate: estimateTokens,
  generate: async ({ messages, tools = [] }) => {
    const heard = messages.filter(({ role }) => role === 'tool').length;
    const [tool] = tools;
    return tool && heard < 3
      ? {
          text: '',
          toolCalls: [{ id: `call-${heard}`, name: tool.name, arguments: { at: heard } }],
          finishReason: 'tool-calls',
          usage,
        }
      : { text: `by ${id}`, toolCalls: [], finishReason: 'stop', usage };
  },
});
const models = ['first', 'second'].map(modelOf);

const spender = (effect: 'read' | 'write'): AgentDefinition =>
  defineAgent({
    name: `spender-${effect}-${RUN}`,
    version: '1',
    instructions: 'Buys.',
    safety: { usdPerDay: { agent: '0.05' } },
    tools: [
      defineTool({
        name: 'buy',
        description: 'buys one',
        effect,
        costUsd: '0.03',
        arguments: z.object({ at: z.number() }),
        execute: async ({ at }) => {
          bought.push(at);
          return { bought: at };
        },
      }),
    ],
  });
const patient = defineAgent({
  name: `patient-${RUN}`,
  version: '1',
  instructions: 'Answers.',
  retrieve: { topK: 1 },
  limits: { maxMs: 600_000 },
});
const agents = [spender('read'), spender('write'), patient];

let stack: AgentsStack;
let worker: TaskWorker;
let ledger: BudgetLedger;
let breakers: SharedBreakers;

beforeAll(async () => {
  stack = await openAgentsStack();
  const { redis: url } = inject('stack');
  ledger = await openRedisBudgetLedger({ url, clock, prefix: `test-${RUN}` });
  breakers = await openSharedBreakers({
    ...{ url, group: `test-${RUN}` },
    settingsOf: () => ({ failures: 1, openMs: OPEN_MS }),
  });
  const reading = { ...stack, localTenant: 'nobody', onUnreadable: () => undefined };
  const guards = openCallGuards({
    ...{ ledger, breakers, view: createControlView(), onTrouble: () => undefined },
    rebuilder: createBudgetRebuilder({ ...reading, ledger }),
  });
  const fixed = fixedRetriever();
  const retriever: Retriever = {
    search: async (request) => {
      // Others have found both down meanwhile, the second a little later.
      for (const { id } of models) await breakers.after(`model:${id}`, false);
      return fixed.search(request);
    },
  };
  worker = await startTaskWorker({
    ...{ ...stack, retriever, models, agents, guards, clock },
    ...{ workerName: 'worker-a', concurrency: 4 },
  });
});

afterAll(async () => {
  await worker?.stop(2_000);
  await Promise.all([ledger?.close(), breakers?.close()]);
  await stack?.close();
});

const endedJournalOf = (taskId: string) =>
  eventually(`the end of ${taskId}`, async () => {
    const journal = await stack.journalOf(taskId);
    return journal.some(({ type }) => type === 'response') ? journal : undefined;
  });

test('a tool that the money of the day does not allow is not called, and the execution halts with the budget as its reason', async () => {
  for (const agent of agents.slice(0, 2)) {
    bought.length = 0;
    const taskId = await stack.submit({ agent: agent.name, input: 'Buy three.' });
    const journal = await endedJournalOf(taskId);
    expect(bought).toEqual([0]);
    expect(journal.at(-1)).toMatchObject({ name: 'halted', error: { code: 'agent-budget' } });
    expect(journal.at(-1)?.error?.message).toContain("the agent's budget of 0.05 USD");
    const calls = journal.filter(({ type }) => type === 'tool-call');
    expect(calls.map(({ costUsd, error }) => [costUsd, error?.code ?? null])).toEqual([
      ['0.03', null],
      ['0', 'agent-budget'],
    ]);
    // No model is asked after it.
    expect(journal.filter(({ type }) => type === 'llm-response')).toHaveLength(2);
    expect(journal.filter(({ name }) => name === 'stop')).toHaveLength(1);
    expect(replayRecorded(journal, agents).identical).toBe(true);
    await eventually('what was spent, settled', async () => {
      const { known, agents: spent } = await ledger.spending(day, { agents: [agent.name], tenants: [] });
      return known && spent[agent.name] === '0.03' ? true : undefined;
    });
  }
});

test('with the breakers of all its models open it waits for them in Redis, and is answered', async () => {
  const taskId = await stack.submit({ agent: patient.name, input: 'How long?' });
  const journal = await endedJournalOf(taskId);
  expect(journal.at(-1)).toMatchObject({ name: 'completed', error: null });
  const held = journal.filter(({ error }) => error?.code === 'breaker-open');
  expect(held.slice(0, 2).map(({ name }) => name)).toEqual(['first', 'second']);
  const until = held.map(({ at, output }) => {
    const { retryAfterMs } = JSON.parse(output ?? '{}') as { readonly retryAfterMs: number };
    expect(retryAfterMs).toBeGreaterThan(0);
    return at + retryAfterMs * 1_000;
  });
  const intent = journal.find(({ type }) => type === 'intent');
  expect(intent?.at).toBeGreaterThanOrEqual(Math.min(...until.slice(0, 2)));
  expect(journal.filter(({ type }) => type === 'llm-response')).toHaveLength(1);
  expect(replayRecorded(journal, agents).identical).toBe(true);
  // Its call was the trial: the breaker is closed for all.
  await eventually('a closed breaker', async () =>
    (await breakers.before(`model:${intent?.name}`)).allowed ? true : undefined,
  );
});
