/** Models and agents by chance, for properties: they ask for any tool, fail in any way, and cost what they like. */
import fc from 'fast-check';
import { z } from 'zod';
import { estimateTokens } from '../../../connectors/models/language/estimate-tokens.ts';
import type { LanguageModel, ToolCall } from '../../../connectors/models/language/language-model.ts';
import { ModelError } from '../../../connectors/models/language/model-error.ts';
import { type AgentDefinition, defineTool } from '../../../schemas/agent-definition.ts';

export type Turn =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'tools'; readonly names: readonly string[] }
  | { readonly kind: 'failure'; readonly retryable: boolean; readonly mayHaveCost: boolean };

export const TURNS: fc.Arbitrary<Turn> = fc.oneof(
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('text' as const),
      text: fc.constantFrom('Thirty days [1].', ''),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('tools' as const),
      names: fc.array(fc.constantFrom('look', 'break', 'change', 'nothing-like-it'), {
        minLength: 1,
        maxLength: 3,
      }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('failure' as const),
      retryable: fc.boolean(),
      mayHaveCost: fc.boolean(),
    }),
  },
);

/** Gives its turns in order, the last one for ever. Counts what it charged, in tokens. */
export const scriptedModel = (
  id: string,
  turns: readonly Turn[],
): LanguageModel & {
  readonly calls: () => number;
  readonly charged: () => { input: number; output: number };
} => {
  let calls = 0;
  const charged = { input: 0, output: 0 };
  return {
    id,
    price: { inputPerMillionUsd: '3', outputPerMillionUsd: '15' },
    contextTokens: 100_000,
    estimate: estimateTokens,
    calls: () => calls,
    charged: () => ({ ...charged }),
    generate: async () => {
      const turn = turns[Math.min(calls, turns.length - 1)] ?? { kind: 'text', text: 'nothing' };
      calls += 1;
      if (turn.kind === 'failure')
        throw new ModelError('it did not work', {
          reason: 'overloaded',
          retryable: turn.retryable,
          retryAfterMs: null,
          mayHaveCost: turn.mayHaveCost,
        });
      charged.input += 40;
      charged.output += 7;
      const toolCalls: readonly ToolCall[] =
        turn.kind === 'tools'
          ? turn.names.map((name, index) => ({ id: `${calls}-${index}`, name, arguments: { at: index } }))
          : [];
      return {
        text: turn.kind === 'text' ? turn.text : '',
        toolCalls,
        finishReason: turn.kind === 'text' ? 'stop' : 'tool-calls',
        usage: { inputTokens: 40, outputTokens: 7, cachedInputTokens: 0, reported: true },
      };
    },
  };
};

export const randomAgent = (
  limits: AgentDefinition['limits'],
  onEffect: (key: string) => void = () => undefined,
): AgentDefinition => ({
  name: 'random',
  version: '1',
  instructions: 'Do as you like.',
  retrieve: { topK: 2 },
  limits: limits ?? {},
  tools: [
    defineTool({
      name: 'look',
      description: 'looks',
      effect: 'read',
      arguments: z.object({ at: z.number() }),
      execute: async ({ at }) => ({ seen: at }),
    }),
    defineTool({
      name: 'break',
      description: 'breaks',
      effect: 'read',
      arguments: z.object({ at: z.number() }),
      execute: async () => Promise.reject(new Error('broken')),
    }),
    defineTool({
      name: 'change',
      description: 'changes',
      effect: 'write',
      arguments: z.object({ at: z.number().max(1) }),
      execute: async (_, { idempotencyKey }) => {
        onEffect(idempotencyKey);
        return 'done';
      },
    }),
  ],
});
