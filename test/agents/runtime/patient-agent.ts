/** Agents that wait for long: for a person before they change something, or for a helper that does; what they change is a line in a file. */
import { appendFileSync } from 'node:fs';
import { z } from 'zod';
import type { TaskWorkerSettings } from '../../../agents/runtime/task-worker.ts';
import { estimateTokens } from '../../../connectors/models/language/estimate-tokens.ts';
import type { LanguageModel, ModelReply } from '../../../connectors/models/language/language-model.ts';
import { defineAgent, defineTool, delegateTo } from '../../../schemas/agent-definition.ts';

const usage = { inputTokens: 20, outputTokens: 5, cachedInputTokens: 0, reported: true };

/** `change <file>` asks for approval; `share <file>` has the helper do so; anything else is said again. */
export const patient = defineAgent({
  name: 'patient',
  version: '1',
  instructions: 'Wait for it.',
  limits: { maxMs: 600_000 },
  tools: [
    defineTool({
      name: 'change',
      description: 'changes something',
      effect: 'write',
      approval: true,
      takesIdempotencyKey: true,
      arguments: z.object({ file: z.string() }),
      execute: async ({ file }, { idempotencyKey }) => {
        appendFileSync(file, `${idempotencyKey}\n`);
        return { changed: file };
      },
    }),
    delegateTo('patient', { description: 'does it in its place' }),
  ],
});

export const patientModel: LanguageModel = {
  id: 'patient-model',
  price: { inputPerMillionUsd: '3', outputPerMillionUsd: '15' },
  contextTokens: 100_000,
  estimate: estimateTokens,
  generate: async ({ messages }): Promise<ModelReply> => {
    const [word = '', ...rest] = (messages[0]?.content ?? '').split(' ');
    const told = messages.filter(({ role }) => role === 'tool').map(({ content }) => content);
    const call = {
      change: { id: 'call-1', name: 'change', arguments: { file: rest.join(' ') } },
      share: { id: 'call-1', name: 'ask-patient', arguments: { input: `change ${rest.join(' ')}` } },
    }[word];
    if (!call || told.length > 0)
      return { text: [word, ...rest, ...told].join(' '), toolCalls: [], finishReason: 'stop', usage };
    return { text: '', toolCalls: [call], finishReason: 'tool-calls', usage };
  },
};

/** Small, so that a test reaches them. */
export const PATIENCE = {
  agents: [patient],
  models: [patientModel],
  concurrency: 4,
  maxSpan: 60,
  waits: { tasksBehind: 20, recordsBehind: 120 },
  sessionTimeoutMs: 6_000,
  // Else everything of the last minutes is read again.
  duplicateWindowMs: 0,
} as const satisfies Partial<TaskWorkerSettings>;
