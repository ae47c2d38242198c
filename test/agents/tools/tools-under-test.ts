/** Tools whose answers are scripted, and calls through the runtime's own callTool. */
import { z } from 'zod';
import { callTool, type ToolCallContext } from '../../../agents/runtime/step-calls.ts';
import type { ChainEffects } from '../../../agents/tools/call-chain.ts';
import { defineTool, type ToolDefinition } from '../../../schemas/agent-definition.ts';

export type Turn = { readonly answer: unknown } | { readonly failure: Error } | { readonly hangs: true };

/** Takes its turns in order, the last one for ever. */
export const scriptedTool = (
  name: string,
  turns: readonly Turn[],
  terms: Partial<Omit<ToolDefinition, 'name' | 'arguments' | 'execute' | 'compensate'>> = {},
): { readonly tool: ToolDefinition; readonly calls: () => number } => {
  let calls = 0;
  const tool = defineTool({
    name,
    description: `looks for ${name}`,
    effect: 'read',
    ...terms,
    arguments: z.object({ of: z.string() }),
    execute: async (_, { signal }) => {
      const turn = turns[Math.min(calls, turns.length - 1)];
      calls += 1;
      if (turn && 'failure' in turn) throw turn.failure;
      if (turn && 'hangs' in turn)
        await new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason)),
        );
      return turn && 'answer' in turn ? turn.answer : null;
    },
  });
  return { tool, calls: () => calls };
};

export const contextOf = (tenant: string, signal: AbortSignal): ToolCallContext => ({
  tenant,
  taskId: 'task',
  executionId: 'execution',
  idempotencyKey: 'execution:1',
  sourceUrls: {},
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  scratch: { get: () => undefined, set: () => undefined },
  retriever: { search: () => Promise.reject(new Error('nothing is retrieved here')) },
  signal,
});

export const effectsOf = (
  tenant: string,
  cache: ChainEffects['cache'],
  signal: AbortSignal = new AbortController().signal,
): ChainEffects => ({
  call: (tool, input, limitMs) => callTool(tool, input, { limitMs, context: contextOf(tenant, signal) }),
  cache,
  chance: () => 0,
});
