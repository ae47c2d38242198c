/** An agent for traces: `stall <file>` waits in a tool until the file is there, `share` has a helper answer, anything else is said again. */
import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { TaskWorkerSettings } from '../../agents/runtime/task-worker.ts';
import { spansOfRuntimeEvent } from '../../cli/roles/runtime-spans.ts';
import { estimateTokens } from '../../connectors/models/language/estimate-tokens.ts';
import type { LanguageModel } from '../../connectors/models/language/language-model.ts';
import type { RecordSpan } from '../../connectors/telemetry/span.ts';
import { defineAgent, defineTool, delegateTo } from '../../schemas/agent-definition.ts';
import { fixedRetriever } from '../agents/fixed-retriever.ts';

const usage = { inputTokens: 20, outputTokens: 5, cachedInputTokens: 0, reported: true };

export const traced = defineAgent({
  ...{ name: 'traced', version: '1', instructions: 'Say it again.', retrieve: { topK: 2 } },
  limits: { maxMs: 600_000 },
  tools: [
    defineTool({
      ...{ name: 'stall', description: 'waits for a file', effect: 'read', timeoutMs: 300_000 },
      arguments: z.object({ file: z.string() }),
      execute: async ({ file }, { signal }) => {
        writeFileSync(`${file}.begun`, '');
        while (!existsSync(file)) await sleep(50, undefined, { signal });
        return 'it is there';
      },
    }),
    delegateTo('traced', { description: 'answers in its place' }),
  ],
});

export const tracedModel: LanguageModel = {
  id: 'scripted',
  price: { inputPerMillionUsd: '3', outputPerMillionUsd: '15' },
  contextTokens: 100_000,
  estimate: estimateTokens,
  generate: async ({ messages }) => {
    const question = messages[0]?.content ?? '';
    const [, file] = /stall (\S+)/.exec(question) ?? [];
    const told = messages.some(({ role }) => role === 'tool');
    const call = file
      ? { id: 'call-1', name: 'stall', arguments: { file } }
      : /share/.test(question)
        ? { id: 'call-1', name: 'ask-traced', arguments: { input: 'say this' } }
        : null;
    if (!call || told) return { text: 'said', toolCalls: [], finishReason: 'stop', usage };
    return { text: '', toolCalls: [call], finishReason: 'tool-calls', usage };
  },
};

/** What the agents' role does with its events. */
export const tracedWorker = (record: RecordSpan) =>
  ({
    ...{ agents: [traced], models: [tracedModel], concurrency: 4, retriever: fixedRetriever() },
    ...{ sessionTimeoutMs: 6_000, localTenant: 'acme' },
    onEvent: (event) => {
      for (const span of spansOfRuntimeEvent(event)) record(span);
    },
  }) as const satisfies Partial<TaskWorkerSettings>;
