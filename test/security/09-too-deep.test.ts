/** Attack 9: sub-tasks that hand over sub-tasks. However much money there is, they end at a depth. */
import { expect, test } from 'vitest';
import { MAX_DEPTH } from '../../agents/runtime/decide-tool.ts';
import type { LanguageModel } from '../../connectors/models/language/language-model.ts';
import { type AgentDefinition, delegateTo } from '../../schemas/agent-definition.ts';
import type { Task } from '../../schemas/records.ts';
import { randomAgent, scriptedModel } from '../agents/runtime/random-model.ts';
import { simulate } from '../agents/runtime/simulated-journal.ts';

/** Hands its task on, to itself, as long as that is let. */
const agent: AgentDefinition = {
  ...randomAgent({ maxSteps: 12, maxUsd: '1000', maxMs: 3_600_000 }),
  tools: [delegateTo('random', { description: 'asks another of its kind' })],
};
const model: LanguageModel = {
  ...scriptedModel('first', []),
  generate: async ({ messages }) => {
    const heard = messages.some(({ role }) => role === 'tool');
    return {
      text: heard ? 'Then I say so myself.' : '',
      toolCalls: heard ? [] : [{ id: 'a', name: 'ask-random', arguments: { input: 'Ask another.' } }],
      finishReason: heard ? 'stop' : 'tool-calls',
      usage: { inputTokens: 40, outputTokens: 7, cachedInputTokens: 0, reported: true },
    };
  },
};

const runAt = async (depth: number) => {
  const handedOver: Task[] = [];
  const parent = { taskId: 'p', executionId: 'p', agent: 'random', partition: 0, step: 1, depth };
  const simulation: ReturnType<typeof simulate> = simulate({
    ...{ agent, models: [model] },
    ...(depth > 0 ? { parent } : {}),
    subtasks: {
      submit: async (task) => {
        handedOver.push(task);
        simulation.tell({
          ...{ type: 'checkpoint', name: 'subtask-ended', step: task.parent?.step ?? 0 },
          ...{ idempotencyKey: task.taskId, priceTable: 'delegated', costUsd: '0' },
          output: JSON.stringify({ text: 'said' }),
        });
      },
      tellParent: async () => undefined,
      cancel: async () => undefined,
    },
  });
  await simulation.run('worker-a');
  expect(simulation.log.at(-1)).toMatchObject({ type: 'response', name: 'completed' });
  const refusals = simulation.log.filter(({ type }) => type === 'error').map(({ error }) => error?.code);
  return { depths: handedOver.map((task) => task.parent?.depth), refusals };
};

test('each goes one deeper, and the deepest is refused as too-deep: nothing is handed over, and it answers itself', async () => {
  for (let depth = 0; depth < MAX_DEPTH; depth += 1)
    expect(await runAt(depth)).toEqual({ depths: [depth + 1], refusals: [] });
  expect(await runAt(MAX_DEPTH)).toEqual({ depths: [], refusals: ['too-deep'] });
});
