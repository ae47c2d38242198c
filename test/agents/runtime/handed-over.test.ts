/** Tasks that an execution hands to other agents: each runs once, and is heard of once (decision 22). */
import { expect, test } from 'vitest';
import { replayRecorded } from '../../../agents/replay/replay-execution.ts';
import { foldEvents } from '../../../agents/runtime/fold-events.ts';
import type { LanguageModel } from '../../../connectors/models/language/language-model.ts';
import { type AgentDefinition, delegateTo } from '../../../schemas/agent-definition.ts';
import { parseTerminalOutput } from '../../../schemas/execution-payloads.ts';
import { parseUsd } from '../../../schemas/money.ts';
import type { Task } from '../../../schemas/records.ts';
import { randomAgent, scriptedModel } from './random-model.ts';
import { simulate } from './simulated-journal.ts';

const ends = (simulation: ReturnType<typeof simulate>) => {
  const end = simulation.log.at(-1);
  return { code: end?.error?.code ?? null, terminal: parseTerminalOutput(end?.output ?? null) };
};

test('sub-tasks run beside each other from one budget, the parent hears of each once, and both replay (I3)', async () => {
  const children: Task[] = [];
  const parent: AgentDefinition = {
    ...randomAgent({ maxSteps: 12, maxUsd: '1', maxMs: 3_600_000 }),
    tools: [delegateTo('other', { description: 'asks another' })],
  };
  const model: LanguageModel = {
    ...scriptedModel('first', []),
    generate: async ({ messages }) => {
      const heard = messages.filter(({ role }) => role === 'tool').length;
      const usage = { inputTokens: 40, outputTokens: 7, cachedInputTokens: 0, reported: true };
      const toolCalls = ['a', 'b'].map((id) => ({
        id,
        name: 'ask-other',
        arguments: { input: `part ${id}` },
      }));
      return heard === 0
        ? { text: '', toolCalls, finishReason: 'tool-calls', usage }
        : { text: `heard ${heard}`, toolCalls: [], finishReason: 'stop', usage };
    },
  };
  const simulation: ReturnType<typeof simulate> = simulate({
    agent: parent,
    models: [model],
    subtasks: {
      submit: async (task) => {
        children.push(task);
        // Both have begun before either ends.
        if (children.length < 2) return;
        for (const { taskId, parent: of } of children)
          simulation.tell({
            type: 'checkpoint',
            name: 'subtask-ended',
            step: of?.step ?? 0,
            idempotencyKey: taskId,
            priceTable: 'delegated',
            costUsd: '0.01',
            output: JSON.stringify({ text: `from ${taskId}` }),
          });
      },
      tellParent: () => Promise.reject(new Error('it has no parent')),
      cancel: async (subtasks) => expect(subtasks).toEqual([]),
    },
  });
  await simulation.run('worker-a');
  expect(ends(simulation).terminal?.output).toMatchObject({ text: 'heard 2' });
  expect(children.map(({ agent, input, parent: of }) => [agent, input, of?.depth])).toEqual([
    ['other', 'part a', 1],
    ['other', 'part b', 1],
  ]);
  const handed = children.reduce((sum, { budget }) => sum + parseUsd(budget?.maxUsd ?? '0'), 0n);
  expect(handed <= parseUsd('1')).toBe(true);
  const costs = [...foldEvents(simulation.log).costs.values()];
  expect(costs.filter(({ state }) => state === 'delegated').map(({ usd }) => usd)).toEqual(['0.01', '0.01']);
  expect(replayRecorded(simulation.log, [parent]).decisions.filter(({ same }) => !same)).toEqual([]);
});

test('a sub-task that told its end while nobody held its parent is not handed over again: it would run a second time', async () => {
  const tools = [delegateTo('other', { description: 'asks another' })];
  const agent: AgentDefinition = { ...randomAgent({ maxSteps: 12, maxUsd: '1', maxMs: 3_600_000 }), tools };
  const asking: LanguageModel = {
    ...scriptedModel('first', []),
    generate: async ({ messages }) => {
      const heard = messages.some(({ role }) => role === 'tool');
      return {
        text: heard ? 'heard' : '',
        toolCalls: heard ? [] : [{ id: 'a', name: 'ask-other', arguments: { input: 'a part' } }],
        finishReason: heard ? 'stop' : 'tool-calls',
        usage: { inputTokens: 40, outputTokens: 7, cachedInputTokens: 0, reported: true },
      };
    },
  };
  const submitted: string[] = [];
  const stopping = new AbortController();
  const simulation = simulate({
    agent,
    models: [asking],
    subtasks: {
      submit: async ({ taskId }) => {
        submitted.push(taskId ?? '');
        stopping.abort();
      },
      tellParent: () => Promise.reject(new Error('it has no parent')),
      cancel: async (subtasks) => expect(subtasks).toEqual([]),
    },
  });
  await simulation.run('worker-a', undefined, stopping.signal).catch(() => undefined);
  simulation.tell({
    type: 'checkpoint',
    name: 'subtask-ended',
    step: 2,
    idempotencyKey: submitted[0] ?? null,
    priceTable: 'delegated',
    costUsd: '0.01',
    output: JSON.stringify({ text: 'done' }),
  });
  await simulation.run('worker-b');
  expect(submitted).toHaveLength(1);
  expect(ends(simulation).terminal?.output).toMatchObject({ text: 'heard' });
  expect(replayRecorded(simulation.log, [agent]).identical).toBe(true);
});

test('what failed before its first decision ends as failed, and what it had handed over is cancelled (I2)', async () => {
  const tools = [delegateTo('other', { description: 'asks another' })];
  const parent: AgentDefinition = { ...randomAgent({ maxSteps: 12, maxUsd: '1', maxMs: 3_600_000 }), tools };
  const models = [scriptedModel('first', [{ kind: 'tools', names: ['ask-other'] }])];
  const asking: LanguageModel = {
    ...scriptedModel('first', []),
    generate: async () => ({
      text: '',
      toolCalls: [{ id: 'a', name: 'ask-other', arguments: { input: 'a part' } }],
      finishReason: 'tool-calls',
      usage: { inputTokens: 40, outputTokens: 7, cachedInputTokens: 0, reported: true },
    }),
  };
  const stopping = new AbortController();
  const before = simulate({
    agent: parent,
    models: [asking],
    subtasks: {
      submit: async () => stopping.abort(),
      tellParent: () => Promise.reject(new Error('it has no parent')),
      cancel: async () => undefined,
    },
  });
  await before.run('worker-a', undefined, stopping.signal).catch(() => undefined);
  expect(foldEvents(before.log).subtasks).toHaveLength(1);

  // The next release has no such tool: the sub-task cannot be handed over again.
  const cancelled: string[] = [];
  const subtasks = {
    submit: () => Promise.reject(new Error('there is no such tool')),
    tellParent: () => Promise.reject(new Error('it has no parent')),
    cancel: async (open: readonly { readonly taskId: string }[]) => {
      cancelled.push(...open.map(({ taskId }) => taskId));
    },
  };
  const next = { agent: { ...parent, tools: [] }, models, subtasks };
  const failing = simulate({ ...next, journaled: before.log });
  await expect(failing.run('worker-b')).rejects.toThrow();
  // As the worker runs it then: under the refusal that came of it.
  const refusal = { code: 'internal' as const, message: 'there is no such tool' };
  const ending = simulate({ ...next, journaled: failing.log, refusal });
  await ending.run('worker-b');
  expect(ends(ending)).toMatchObject({ code: 'internal', terminal: { outcome: 'failed' } });
  expect(cancelled).toEqual(foldEvents(before.log).subtasks.map(({ taskId }) => taskId));
});
