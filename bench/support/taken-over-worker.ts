/**
 * A worker in a process of its own, to be killed with executions under way: `taken-over-worker.ts <settings as JSON>`. Each
 * execution makes one effect, asks a slow model, makes a second effect and answers; model and effects are the bench's, over HTTP.
 */
import { z } from 'zod';
import { startTaskWorker } from '../../agents/runtime/task-worker.ts';
import { createKafkaJsClient } from '../../connectors/kafka/kafkajs-client.ts';
import { openRecordWriter } from '../../connectors/kafka/record-writer.ts';
import { estimateTokens } from '../../connectors/models/language/estimate-tokens.ts';
import { openRecordCodec } from '../../connectors/registry/record-codec.ts';
import { openSchemaRegistry } from '../../connectors/registry/schema-registry.ts';
import { defineAgent, defineTool } from '../../schemas/agent-definition.ts';

const { broker, registry, outside, name } = z
  .object({ broker: z.string(), registry: z.string(), outside: z.string(), name: z.string() })
  .parse(JSON.parse(process.argv[2] ?? ''));

const ask = async (path: string, question: unknown): Promise<void> => {
  const response = await fetch(`${outside}${path}`, { method: 'POST', body: JSON.stringify(question) });
  await response.arrayBuffer();
};

const kafka = await createKafkaJsClient({ brokers: [broker], clientId: name });
await startTaskWorker({
  kafka,
  codec: await openRecordCodec(openSchemaRegistry(registry)),
  writer: openRecordWriter(kafka),
  retriever: { search: () => Promise.reject(new Error('nothing is retrieved here')) },
  models: [
    {
      id: 'outside',
      price: { inputPerMillionUsd: '3', outputPerMillionUsd: '15' },
      contextTokens: 100_000,
      estimate: estimateTokens,
      generate: async ({ messages }) => {
        const done = messages.filter(({ role }) => role === 'tool').length;
        await ask('/model', { done });
        return {
          text: done < 2 ? '' : 'Both are done.',
          toolCalls: done < 2 ? [{ id: `call-${done}`, name: 'post', arguments: { number: done } }] : [],
          finishReason: done < 2 ? 'tool-calls' : 'stop',
          usage: { inputTokens: 100, outputTokens: 10, cachedInputTokens: 0, reported: true },
        };
      },
    },
  ],
  agents: [
    defineAgent({
      name: 'poster',
      version: '1',
      instructions: 'Post twice.',
      tools: [
        defineTool({
          name: 'post',
          description: 'posts',
          effect: 'write',
          takesIdempotencyKey: true,
          arguments: z.object({ number: z.number() }),
          execute: ({ number }, { taskId, idempotencyKey }) =>
            ask('/effect', { taskId, number, key: idempotencyKey }),
        }),
      ],
    }),
  ],
  workerName: name,
  // Its own and the dead one's.
  concurrency: 120,
});
// Whoever started it is gone.
process.stdin.resume().once('end', () => process.exit(1));
console.error(`${name} is in the group`);
