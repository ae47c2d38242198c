/** An agent whose model looks once and then answers, the second call as slowly as a test wants. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { estimateTokens } from '../../connectors/models/language/estimate-tokens.ts';
import type { LanguageModel } from '../../connectors/models/language/language-model.ts';
import { defineAgent, defineTool } from '../../schemas/agent-definition.ts';

export const careful = defineAgent({
  name: 'careful',
  version: '1',
  instructions: 'Look once, then answer.',
  retrieve: { topK: 2 },
  tools: [
    defineTool({
      name: 'look',
      description: 'looks',
      effect: 'read',
      arguments: z.object({}),
      execute: async () => ({ looked: process.pid }),
    }),
  ],
});

export const lookThenAnswer = ({
  secondCallMs,
  mayAnswer = Promise.resolve(),
}: {
  readonly secondCallMs: number;
  /** The second call takes until this as well. */
  readonly mayAnswer?: Promise<void>;
}): LanguageModel & { readonly calls: () => number } => {
  let calls = 0;
  return {
    id: 'look-then-answer',
    price: { inputPerMillionUsd: '3', outputPerMillionUsd: '15' },
    contextTokens: 100_000,
    estimate: estimateTokens,
    calls: () => calls,
    generate: async ({ messages }) => {
      calls += 1;
      const looked = messages.some((message) => message.role === 'tool');
      if (looked) await Promise.all([sleep(secondCallMs), mayAnswer]);
      return {
        text: looked ? 'Thirty days [1].' : '',
        toolCalls: looked ? [] : [{ id: 'call-1', name: 'look', arguments: {} }],
        finishReason: looked ? 'stop' : 'tool-calls',
        usage: { inputTokens: 50, outputTokens: 5, cachedInputTokens: 0, reported: true },
      };
    },
  };
};
