/** The agent under chaos, its model and its tools: all they do is ask the outside, which knows what each task is to do. */
import { z } from 'zod';
import { estimateTokens } from '../../connectors/models/language/estimate-tokens.ts';
import type { LanguageModel } from '../../connectors/models/language/language-model.ts';
import { ModelError } from '../../connectors/models/language/model-error.ts';
import { defineAgent, defineTool, type ToolDefinition } from '../../schemas/agent-definition.ts';
import { CHAOS_PRICE, modelAnswer } from './outside.ts';
import type { Deed } from './plan-chaos.ts';

export const CHAOS_AGENT = 'chaos';
export const CHAOS_MAX_USD = '0.50';

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
    const taskId = /task (\S+)\./.exec(question)?.[1] ?? '';
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

export const chaosAgent = (tools: readonly ToolDefinition[]) =>
  defineAgent({
    name: CHAOS_AGENT,
    version: '1',
    instructions: 'Do what the task says, one deed after the other.',
    tools,
    // Long enough for any fault: a task that ends by time would say nothing about them.
    limits: { maxUsd: CHAOS_MAX_USD, maxMs: 600_000, maxSteps: 60, maxOutputTokens: 100 },
  });
