/**
 * Everything that executions which remember go through, in one process over servers of its own: worker, memory, pipeline, index.
 * The model answers at once and has a tool called where the question says so; times are so short that every rule acts many times
 * within a run: sessions end after 5 s, memories after 60 s, 40 of an agent and tenant are kept.
 */

import { z } from 'zod';
import { type MemoryEvent, openAgentMemory } from '../../agents/memory/open-agent-memory.ts';
import { startTaskWorker } from '../../agents/runtime/task-worker.ts';
import type { RecordWriter } from '../../connectors/kafka/record-writer.ts';
import { createExtractiveModel } from '../../connectors/models/language/extractive-model.ts';
import type { LanguageModel } from '../../connectors/models/language/language-model.ts';
import { defineAgent, defineTool } from '../../schemas/agent-definition.ts';
import { systemClock } from '../../schemas/clock.ts';
import { PARTITIONS, TOPICS } from '../../schemas/topics.ts';
import { openDocumentPlane } from './document-plane.ts';

/** A question that ends with it has the tool called once. */
export const LOOK_IT_UP = 'Look it up.';
export const SOAK_AGENTS = ['agent-0', 'agent-1', 'agent-2', 'agent-3', 'agent-4'] as const;
export const SOAK_PARTITION = 0;

const POLICY = {
  session: { ttlMs: 5_000, maxTurns: 8, maxCharacters: 8_000 },
  longTerm: { topK: 4, ttlMs: 60_000, maxPerTenant: 40, halfLifeMs: 60_000, mergeAbove: 0.95 },
};
const MEGABYTE = 2 ** 20;
/** Full long before half of a run: a cache that still fills would look like growth (64 MiB, the default, fill in 100,000). */
const CACHE_BYTES = 8 * MEGABYTE;

/** What is held after `collect`, and what stands in the servers. */
export interface SoakHeld {
  readonly heapMegabytes: number;
  readonly residentMegabytes: number;
  readonly redisMegabytes: number;
  readonly redisKeys: number;
  readonly sessions: number;
  /** Memories that an execution may be given. */
  readonly kept: number;
  /** All that is known of memories, cuts and ended ones too. */
  readonly ledger: number;
  readonly indexDocuments: number;
  /** Of what was ended: they stay (docs/memory.md), on disk. */
  readonly indexMarkers: number;
  /** Appended since the beginning: the log itself is bounded by its retention. */
  readonly journalRecords: number;
  readonly memoryRecords: number;
}

export interface SoakSums {
  readonly failed: number;
  readonly troubles: number;
  readonly turnsMoved: number;
  readonly expired: number;
  readonly tooMany: number;
}

export interface SoakPlane {
  readonly writer: RecordWriter;
  sums(): SoakSums;
  held(): Promise<SoakHeld>;
  close(): Promise<void>;
}

const soakModel: LanguageModel = {
  id: 'instant',
  price: { inputPerMillionUsd: '1', outputPerMillionUsd: '5' },
  contextTokens: 1_000_000,
  estimate: () => ({ inputTokens: 400, outputTokens: 200 }),
  generate: async ({ messages }) => {
    const usage = { inputTokens: 300, outputTokens: 80, cachedInputTokens: 0, reported: true };
    const [first] = messages;
    const question = first?.content ?? '';
    if (messages.length === 1 && question.endsWith(LOOK_IT_UP)) {
      const toolCalls = [{ id: 'call-0', name: 'find', arguments: { of: question.slice(-60) } }];
      return { text: '', toolCalls, finishReason: 'tool-calls', usage };
    }
    const days = question.length % 30;
    const text = `It is with the carrier. It will take ${days} days. ${'We wrote to them. '.repeat(8)}`;
    return { text, toolCalls: [], finishReason: 'stop', usage };
  },
};

const agentNamed = (name: string) =>
  defineAgent({
    name,
    version: '1',
    instructions: 'Answer.',
    memory: POLICY,
    tools: [
      defineTool({
        name: 'find',
        description: 'finds an order',
        arguments: z.object({ of: z.string() }),
        effect: 'read',
        execute: async ({ of }) => `the order of ${of} is on its way`,
      }),
    ],
  });

/** `onEnded` is called once for each execution that has ended. */
export const openSoakPlane = async (of: {
  readonly concurrency: number;
  readonly signal: AbortSignal;
  readonly onEnded: () => void;
  readonly tell: (line: string) => void;
}): Promise<SoakPlane> => {
  const plane = await openDocumentPlane({ ...of, cacheBytes: CACHE_BYTES });
  const { kafka, codec, writer, index, redis, redisUrl } = plane;
  try {
    const sums = { failed: 0, troubles: 0, turnsMoved: 0, expired: 0, tooMany: 0 };
    const trouble = (message: string): void => {
      sums.troubles += 1;
      if (sums.troubles <= 5) of.tell(message);
    };
    const onMemory = (event: MemoryEvent): void => {
      if (event.type === 'memory-trouble') trouble(event.error.message);
      if (event.type !== 'memories-kept') return;
      sums.turnsMoved += event.turnsMoved;
      sums.expired += event.expired;
      sums.tooMany += event.tooMany;
    };
    const opened = await openAgentMemory({
      ...{ kafka, codec, writer, retriever: index, redis: redisUrl, clock: systemClock },
      models: [createExtractiveModel()],
      localTenant: 'default',
      agents: SOAK_AGENTS.map((name) => ({ name, memory: POLICY })),
      owned: () => Array.from({ length: PARTITIONS }, (_, at) => at),
      ...{ keepEveryMs: 200, prunedKnownMs: 10_000, onEvent: onMemory },
    });
    plane.before(() => opened.stop());
    const worker = await startTaskWorker({
      ...{ kafka, codec, writer, retriever: index, memory: opened.memory, clock: systemClock },
      models: [soakModel],
      agents: SOAK_AGENTS.map(agentNamed),
      workerName: 'bench',
      concurrency: of.concurrency,
      onOwned: (partition, from) => void opened.recover(partition, from),
      log: (_, message) => trouble(message),
      onEvent: (event) => {
        if (event.name !== 'execution-ended') return;
        if (event.outcome !== 'completed') sums.failed += 1;
        of.onEnded();
      },
    });
    plane.before(() => worker.stop(5_000));

    const recordsOf = async (topic: string): Promise<number> =>
      (await kafka.admin.offsets(topic)).reduce((sum, { latest }) => sum + latest, 0);
    return {
      writer,
      sums: () => sums,
      held: async () => {
        const [used, redisKeys] = await redis.use(async (client) => [
          /used_memory:(\d+)/.exec(await client.info('memory'))?.[1],
          await client.dbsize(),
        ]);
        let kept = 0;
        for (const namespace of opened.ledger.namespaces())
          for (const { state, kind } of opened.ledger.of(namespace))
            if (state === 'kept' && kind !== 'cut') kept += 1;
        const { heapUsed, rss } = process.memoryUsage();
        const { documents, markers } = await index.status();
        return {
          heapMegabytes: heapUsed / MEGABYTE,
          residentMegabytes: rss / MEGABYTE,
          redisMegabytes: Number(used) / MEGABYTE,
          redisKeys: Number(redisKeys),
          sessions: (await opened.sessions.list(() => true, 100_000)).length,
          ...{ kept, ledger: opened.ledger.size() },
          ...{ indexDocuments: documents, indexMarkers: markers },
          journalRecords: await recordsOf(TOPICS.agentEvents.name),
          memoryRecords: await recordsOf(TOPICS.memory.name),
        };
      },
      close: plane.close,
    };
  } catch (error) {
    await plane.close();
    throw error;
  }
};
