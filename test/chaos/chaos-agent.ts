/** The agents under chaos, their model and their tools: all they do is ask the outside, which knows what each task is to do. */
import { z } from 'zod';
import { estimateTokens } from '../../connectors/models/language/estimate-tokens.ts';
import type { LanguageModel } from '../../connectors/models/language/language-model.ts';
import { ModelError } from '../../connectors/models/language/model-error.ts';
import {
  type AgentDefinition,
  defineAgent,
  defineTool,
  type ToolDefinition,
} from '../../schemas/agent-definition.ts';
import type { MemoryPolicyInput } from '../../schemas/memory-policy.ts';
import { CHAOS_PRICE } from './call-prices.ts';
import type { ChaosAgentName, Deed } from './chaos-plan.ts';
import { modelAnswer } from './outside.ts';

export const CHAOS_TENANT = 'chaos';
export const CHAOS_MAX_USD = '0.50';
/** No turn of a run is ever too many, and none ends by time. */
export const CHAOS_MEMORY: MemoryPolicyInput = { session: { maxTurns: 200, maxCharacters: 500_000 } };

/** What a task's input looks like: the agent's model finds the task by it. */
export const inputOf = (taskId: string): string => `Do the deeds of task ${taskId}.`;

const ask = async (url: string, question: unknown, signal?: AbortSignal): Promise<unknown> => {
  const response = await fetch(url, {
    method: 'POST',
    body: JSON.stringify(question),
    ...(signal ? { signal } : {}),
  });
  if (!response.ok) throw new Error(`the outside answered ${response.status}`);
  return response.json();
};

export const chaosModel = (outside: string): LanguageModel => ({
  id: 'metered',
  price: CHAOS_PRICE,
  contextTokens: 100_000,
  estimate: estimateTokens,
  generate: async ({ messages, signal }) => {
    const question = messages.find(({ role }) => role === 'user')?.content ?? '';
    // The last one: before it stands what was asked in the same session.
    const taskId = [...question.matchAll(/task (\S+)\./g)].at(-1)?.[1] ?? '';
    const done = messages.filter(({ role }) => role === 'tool').length;
    const answer = await ask(`${outside}/model`, { taskId, done }, signal).catch((cause: unknown) => {
      throw new ModelError(
        'the model broke off',
        {
          reason: 'interrupted',
          retryable: true,
          retryAfterMs: null,
          mayHaveCost: true,
        },
        { cause },
      );
    });
    const { next, inputTokens, outputTokens } = modelAnswer.parse(answer);
    return {
      text: next ? '' : 'All is done.',
      toolCalls: next
        ? [{ id: `call-${done}`, name: next.deed, arguments: { taskId, number: next.number } }]
        : [],
      finishReason: next ? 'tool-calls' : 'stop',
      usage: { inputTokens, outputTokens, cachedInputTokens: 0, reported: true },
    };
  },
});

const deedTool = (deed: Deed, outside: string): ToolDefinition =>
  defineTool({
    name: deed,
    description: `does a ${deed}`,
    effect: deed === 'look' ? 'read' : 'write',
    ...(deed === 'post' ? { takesIdempotencyKey: true } : {}),
    arguments: z.object({ taskId: z.string(), number: z.number().int() }),
    execute: ({ taskId, number }, { idempotencyKey, signal }) =>
      ask(`${outside}/deed`, { taskId, number, deed, key: idempotencyKey }, signal),
  });

export const chaosTools = (outside: string): readonly ToolDefinition[] =>
  (['look', 'post', 'stamp'] as const).map((deed) => deedTool(deed, outside));

/** `dayUsd`: of the thrifty one. */
export const chaosAgents = (tools: readonly ToolDefinition[], dayUsd: string): readonly AgentDefinition[] => {
  const agent = (name: ChaosAgentName, of: Partial<AgentDefinition>): AgentDefinition =>
    defineAgent({
      name,
      version: '1',
      instructions: 'Do what the task says, one deed after the other.',
      tools,
      // Long enough for any fault: a task that ends by time would say nothing about them.
      limits: { maxUsd: CHAOS_MAX_USD, maxMs: 600_000, maxSteps: 60, maxOutputTokens: 100 },
      ...of,
    });
  return [
    agent('chaos', { memory: CHAOS_MEMORY }),
    agent('thrifty', { safety: { usdPerDay: { agent: dayUsd } } }),
  ];
};
