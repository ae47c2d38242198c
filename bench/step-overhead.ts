/**
 * What the runtime adds to a step: claim, intent, journal writes and decisions, without the time of the model, tools
 * and retrieval. One real broker; an instant model that asks for a tool twice and then answers, one execution at a time.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { RuntimeEvent } from '../agents/runtime/runtime-event.ts';
import { startTaskWorker } from '../agents/runtime/task-worker.ts';
import { createKafkaJsClient } from '../connectors/kafka/kafkajs-client.ts';
import { openRecordWriter } from '../connectors/kafka/record-writer.ts';
import type { LanguageModel } from '../connectors/models/language/language-model.ts';
import { openRecordCodec } from '../connectors/registry/record-codec.ts';
import { openSchemaRegistry } from '../connectors/registry/schema-registry.ts';
import { cacheDirectoryOf } from '../connectors/stack/cache-directory.ts';
import { startStack } from '../connectors/stack/start-stack.ts';
import { defineAgent, defineTool } from '../schemas/agent-definition.ts';
import { TOPICS } from '../schemas/topics.ts';
import { type Bench, percentile } from './support/bench.ts';

const TASKS = 200;
const WARM_UP = 20;

const instantModel: LanguageModel = {
  id: 'instant',
  price: { inputPerMillionUsd: '0', outputPerMillionUsd: '0' },
  contextTokens: 100_000,
  estimate: () => ({ inputTokens: 10, outputTokens: 10 }),
  generate: async ({ messages }) => {
    const calls = messages.filter((message) => message.role === 'tool').length;
    const usage = { inputTokens: 10, outputTokens: 10, cachedInputTokens: 0, reported: true };
    if (calls >= 2) return { text: 'done', toolCalls: [], finishReason: 'stop', usage };
    return {
      text: '',
      toolCalls: [{ id: `call-${calls}`, name: 'add', arguments: { a: calls, b: 1 } }],
      finishReason: 'tool-calls',
      usage,
    };
  },
};

const agent = defineAgent({
  name: 'bench',
  version: '1',
  instructions: 'Add.',
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

export const stepOverheadBench: Bench = {
  name: 'step-overhead',
  measures: 'runtime overhead per journaled step, one execution at a time, instant model and tool',
  runs: 3,
  run: async (tell, signal) => {
    const root = mkdtempSync(join(tmpdir(), 'freshet-bench-'));
    const stack = await startStack({
      dataDirectory: root,
      cacheDirectory: cacheDirectoryOf(process.env),
      environment: process.env,
      ports: 'free',
      servers: ['kafka', 'schemaRegistry'],
      signal,
    });
    const kafka = await createKafkaJsClient({ brokers: [stack.kafka], clientId: 'bench' });
    const writer = openRecordWriter(kafka);
    try {
      await kafka.admin.createTopics(Object.values(TOPICS));
      const codec = await openRecordCodec(openSchemaRegistry(`${stack.schemaRegistry}/apis/ccompat/v7`));
      const steps: Extract<RuntimeEvent, { name: 'step-ended' }>[] = [];
      let ended = 0;
      const worker = await startTaskWorker({
        kafka,
        codec,
        writer,
        retriever: { search: () => Promise.reject(new Error('nothing is retrieved here')) },
        models: [instantModel],
        agents: [agent],
        workerName: 'bench',
        concurrency: 1,
        onEvent: (event) => {
          if (event.name === 'step-ended' && ended >= WARM_UP) steps.push(event);
          if (event.name === 'execution-ended') ended += 1;
        },
      });
      while (worker.stats().partitions.length === 0) await sleep(20);
      const begun = performance.now();
      for (let at = 0; at < TASKS && !signal.aborted; at += 1) {
        await writer.append([
          {
            topic: TOPICS.tasks.name,
            key: null,
            value: Buffer.from(JSON.stringify({ agent: 'bench', input: `task ${at}`, tenant: 'bench' })),
          },
        ]);
        while (ended <= at) await sleep(1);
      }
      tell(`${steps.length} steps in ${Math.round(performance.now() - begun)} ms`);
      await worker.stop(1_000);
      const overhead = (at: number, kind?: string): number =>
        percentile(
          steps
            .filter((step) => kind === undefined || step.kind === kind)
            .map((step) => step.overheadMicros / 1_000),
          at,
        );
      return {
        'step overhead p50': { value: overhead(50), unit: 'ms', target: { atMost: 2 } },
        'step overhead p99': { value: overhead(99), unit: 'ms', target: { atMost: 10 } },
        'model step p50': { value: overhead(50, 'model'), unit: 'ms' },
        'model step p99': { value: overhead(99, 'model'), unit: 'ms' },
        'tool step p50': { value: overhead(50, 'tool'), unit: 'ms' },
        'tool step p99': { value: overhead(99, 'tool'), unit: 'ms' },
        steps: { value: steps.length, unit: '' },
      };
    } finally {
      await writer.close();
      await kafka.close();
      await stack.stop();
      rmSync(root, { recursive: true, force: true });
    }
  },
};
