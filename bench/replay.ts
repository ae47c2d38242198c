/**
 * How fast a range of recorded executions is replayed: one partition of a journal that a worker wrote on a real broker,
 * read in one pass, every decision computed anew and held against the record.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { findAmong } from '../agents/replay/find-behaviour.ts';
import { replayRange } from '../agents/replay/replay-range.ts';
import { startTaskWorker } from '../agents/runtime/task-worker.ts';
import { createKafkaJsClient } from '../connectors/kafka/kafkajs-client.ts';
import { openRecordWriter } from '../connectors/kafka/record-writer.ts';
import type { LanguageModel } from '../connectors/models/language/language-model.ts';
import { openRecordCodec } from '../connectors/registry/record-codec.ts';
import { openSchemaRegistry } from '../connectors/registry/schema-registry.ts';
import { defineAgent, defineTool } from '../schemas/agent-definition.ts';
import { TOPICS } from '../schemas/topics.ts';
import { type Bench, type Figures, percentile } from './support/bench.ts';
import { openBenchStack } from './support/bench-stack.ts';

const EXECUTIONS = 2_000;
const TOOL_CALLS = 4;
const PARTITION = 0;
const REPLAYS = 3;
const EVENTS = TOPICS.agentEvents.name;

/** Asks for a tool four times, then answers: five model steps, four tool steps and the end. */
const model: LanguageModel = {
  id: 'instant',
  price: { inputPerMillionUsd: '3', outputPerMillionUsd: '15' },
  contextTokens: 100_000,
  estimate: () => ({ inputTokens: 10, outputTokens: 10 }),
  generate: async ({ messages }) => {
    const calls = messages.filter((message) => message.role === 'tool').length;
    const usage = { inputTokens: 10, outputTokens: 10, cachedInputTokens: 0, reported: true };
    if (calls >= TOOL_CALLS) return { text: 'done', toolCalls: [], finishReason: 'stop', usage };
    return {
      text: '',
      toolCalls: [{ id: `call-${calls}`, name: 'look', arguments: { at: calls } }],
      finishReason: 'tool-calls',
      usage,
    };
  },
};

const agent = defineAgent({
  name: 'bench',
  version: '1',
  instructions: 'Look, then answer.',
  limits: { maxMs: 3_600_000 },
  tools: [
    defineTool({
      name: 'look',
      description: 'looks',
      arguments: z.object({ at: z.number() }),
      effect: 'read',
      execute: async ({ at }) => ({ seen: at, text: 'a line of a text that was looked up '.repeat(5) }),
    }),
  ],
});

export const replayBench: Bench = {
  name: 'replay',
  measures: `${EXECUTIONS} recorded executions of ten steps in one partition, replayed in one pass`,
  runs: 1,
  run: async (tell, signal) => {
    const servers = await openBenchStack(['kafka', 'schemaRegistry'], signal);
    const { stack } = servers;
    const kafka = await createKafkaJsClient({ brokers: [stack.kafka], clientId: 'bench' });
    const writer = openRecordWriter(kafka);
    try {
      await kafka.admin.createTopics(Object.values(TOPICS));
      const codec = await openRecordCodec(openSchemaRegistry(`${stack.schemaRegistry}/apis/ccompat/v7`));
      let ended = 0;
      const worker = await startTaskWorker({
        ...{ kafka, codec, writer, models: [model], agents: [agent], workerName: 'bench', concurrency: 50 },
        retriever: { search: () => Promise.reject(new Error('nothing is retrieved here')) },
        onEvent: (event) => {
          if (event.name === 'execution-ended') ended += 1;
        },
      });
      for (let at = 0; at < EXECUTIONS; at += 1)
        void writer.append([
          {
            ...{ topic: TOPICS.tasks.name, partition: PARTITION, key: null },
            value: Buffer.from(JSON.stringify({ agent: 'bench', input: `task ${at}`, tenant: 'bench' })),
          },
        ]);
      while (ended < EXECUTIONS && !signal.aborted) await sleep(50);
      await worker.stop(1_000);
      const ends = (await kafka.admin.offsets(EVENTS)).find(({ partition }) => partition === PARTITION);
      tell(`${ended} executions are ${ends?.latest ?? 0} records of the journal`);
      const perSecond: number[] = [];
      let last: Awaited<ReturnType<typeof replayRange>> | undefined;
      let mostOpen = 0;
      for (let turn = 0; turn < REPLAYS && !signal.aborted; turn += 1) {
        last = await replayRange({
          ...{ kafka, codec, signal },
          findBehaviour: findAmong([agent]),
          range: { topic: EVENTS, partition: PARTITION, from: 0, to: (ends?.latest ?? 1) - 1 },
          onExecution: () => undefined,
          onProgress: ({ open }) => {
            mostOpen = Math.max(mostOpen, open);
          },
        });
        perSecond.push(last.executions / last.seconds);
        tell(`${last.executions} executions in ${last.seconds} s, ${last.identical} identical`);
      }
      return {
        'executions replayed': { value: percentile(perSecond, 50), unit: '/s', target: { atLeast: 200 } },
        identical: { value: last?.identical ?? 0, unit: '', target: { atLeast: EXECUTIONS } },
        'decisions per execution': {
          value: (last?.decisions ?? 0) / Math.max(1, last?.executions ?? 1),
          unit: '',
        },
        'records read': { value: last?.read ?? 0, unit: '' },
        'open at once': { value: mostOpen, unit: '' },
        'memory at the end': { value: Math.round(process.memoryUsage().rss / 2 ** 20), unit: 'MiB' },
      } satisfies Figures;
    } finally {
      await writer.close();
      await kafka.close();
      await servers.close();
    }
  },
};
