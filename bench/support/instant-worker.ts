/** A real broker and registry with one worker whose model and tool answer at once: what is left is the runtime's own work. */

import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { OnRuntimeEvent, StepEnded } from '../../agents/runtime/runtime-event.ts';
import { startTaskWorker } from '../../agents/runtime/task-worker.ts';
import type { KafkaClient } from '../../connectors/kafka/kafka.ts';
import { createKafkaJsClient } from '../../connectors/kafka/kafkajs-client.ts';
import { openRecordWriter, type RecordWriter } from '../../connectors/kafka/record-writer.ts';
import type { LanguageModel } from '../../connectors/models/language/language-model.ts';
import { openRecordCodec, type RecordCodec } from '../../connectors/registry/record-codec.ts';
import { openSchemaRegistry } from '../../connectors/registry/schema-registry.ts';
import { defineAgent, defineTool } from '../../schemas/agent-definition.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { openBenchStack } from './bench-stack.ts';

export interface InstantWorker {
  readonly kafka: KafkaClient;
  readonly codec: RecordCodec;
  readonly writer: RecordWriter;
  /** Hands over so many tasks at once. */
  submit(tasks: number): Promise<void>;
  counts(): { readonly steps: number; readonly ended: number };
  /** What the runtime added to each step of a kind, in order of their ends. */
  overheadMillis(kind: StepEnded['kind']): readonly number[];
  /** From a task's creation to its end, in order of their ends. */
  executionMillis(): readonly number[];
  /** Executions that are begun and not ended. */
  running(): number;
  /** Partitions that were the worker's and are not any more. */
  partitionsLost(): number;
  /** Process ids of the servers, by name. */
  servers(): Readonly<Record<string, number>>;
  close(): Promise<void>;
}

const instantModel = (toolCalls: number, delayMs: number): LanguageModel => ({
  id: 'instant',
  price: { inputPerMillionUsd: '0', outputPerMillionUsd: '0' },
  contextTokens: 1_000_000,
  estimate: () => ({ inputTokens: 10, outputTokens: 10 }),
  generate: async ({ messages }) => {
    if (delayMs > 0) await sleep(delayMs);
    const calls = messages.filter((message) => message.role === 'tool').length;
    const usage = { inputTokens: 10, outputTokens: 10, cachedInputTokens: 0, reported: true };
    if (calls >= toolCalls) return { text: 'done', toolCalls: [], finishReason: 'stop', usage };
    return {
      text: '',
      toolCalls: [{ id: `call-${calls}`, name: 'add', arguments: { a: calls, b: 1 } }],
      finishReason: 'tool-calls',
      usage,
    };
  },
});

const agent = defineAgent({
  name: 'bench',
  version: '1',
  instructions: 'Add.',
  limits: { maxSteps: 100, maxMs: 3_600_000 },
  tools: [
    defineTool({
      name: 'add',
      description: 'adds',
      arguments: z.object({ a: z.number(), b: z.number() }),
      effect: 'read',
      execute: async ({ a, b }) => a + b,
    }),
  ],
});

/** `toolCalls`: how many the model asks for, one at a time, before it answers. */
export const openInstantWorker = async (of: {
  readonly concurrency: number;
  readonly toolCalls: number;
  readonly modelMs?: number;
  readonly tenants?: number;
  /** The broker syncs every batch of the journal to the disk before it acknowledges it, as no broker does by default. */
  readonly journalSynced?: boolean;
  readonly onEnded?: () => void;
  readonly onEvent?: OnRuntimeEvent;
  readonly signal: AbortSignal;
}): Promise<InstantWorker> => {
  const servers = await openBenchStack(['kafka', 'schemaRegistry'], of.signal);
  const { stack } = servers;
  const kafka = await createKafkaJsClient({ brokers: [stack.kafka], clientId: 'bench' });
  const writer = openRecordWriter(kafka);
  const { agentEvents: journal } = TOPICS;
  const settings = { ...journal.settings, ...(of.journalSynced ? { 'flush.messages': '1' } : {}) };
  await kafka.admin.createTopics(Object.values({ ...TOPICS, agentEvents: { ...journal, settings } }));
  const codec = await openRecordCodec(openSchemaRegistry(`${stack.schemaRegistry}/apis/ccompat/v7`));
  // Figures alone: events kept by the thousand would be the bench's own garbage to collect.
  const overheads = new Map<StepEnded['kind'], number[]>();
  let steps = 0;
  const took: number[] = [];
  let left = 0;
  const worker = await startTaskWorker({
    kafka,
    codec,
    writer,
    retriever: { search: () => Promise.reject(new Error('nothing is retrieved here')) },
    models: [instantModel(of.toolCalls, of.modelMs ?? 0)],
    agents: [agent],
    workerName: 'bench',
    concurrency: of.concurrency,
    onEvent: (event) => {
      of.onEvent?.(event);
      if (event.name === 'step-ended') {
        steps += 1;
        const all = overheads.get(event.kind) ?? [];
        all.push(event.overheadMicros / 1_000);
        overheads.set(event.kind, all);
      }
      if (event.name === 'execution-left') left += 1;
      if (event.name !== 'execution-ended') return;
      took.push(event.durationMicros / 1_000);
      of.onEnded?.();
    },
  });
  while (worker.stats().partitions.length === 0) await sleep(20);
  const owned = worker.stats().partitions.length;
  let submitted = 0;
  return {
    ...{ kafka, codec, writer },
    submit: async (tasks) => {
      const records = Array.from({ length: tasks }, () => {
        submitted += 1;
        const tenant = `tenant-${submitted % (of.tenants ?? 1)}`;
        const value = Buffer.from(JSON.stringify({ agent: 'bench', input: `task ${submitted}`, tenant }));
        return { topic: TOPICS.tasks.name, key: `task-${submitted}`, value };
      });
      await writer.append(records);
    },
    counts: () => ({ steps, ended: took.length }),
    overheadMillis: (kind) => overheads.get(kind) ?? [],
    executionMillis: () => took,
    running: () => worker.stats().running,
    partitionsLost: () => Math.max(0, owned - worker.stats().partitions.length) + left,
    servers: () => Object.fromEntries(stack.servers().map(({ name, pid }) => [name, pid])),
    close: async () => {
      await worker.stop(1_000);
      await writer.close();
      await kafka.close();
      await servers.close();
    },
  };
};
