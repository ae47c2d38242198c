/** Spans of executions as the runtime tells them, on the model of its journal. */
import { expect, test } from 'vitest';
import { z } from 'zod';
import type { RuntimeEvent, StepEnded } from '../../agents/runtime/runtime-event.ts';
import { spansOfRuntimeEvent } from '../../cli/roles/runtime-spans.ts';
import { estimateTokens } from '../../connectors/models/language/estimate-tokens.ts';
import type { LanguageModel, ModelReply } from '../../connectors/models/language/language-model.ts';
import { ModelError } from '../../connectors/models/language/model-error.ts';
import type { Span } from '../../connectors/telemetry/span.ts';
import { defineAgent, defineTool } from '../../schemas/agent-definition.ts';
import { simulate } from '../agents/runtime/simulated-journal.ts';

const SECRET = 'a word that no span may hold';
const usage = { inputTokens: 40, outputTokens: 7, cachedInputTokens: 30, reported: true };
const REPLIES: readonly ModelReply[] = [
  {
    ...{ text: SECRET, finishReason: 'tool-calls', usage },
    toolCalls: [
      { id: 'call-1', name: 'look', arguments: { what: SECRET } },
      { id: 'call-2', name: 'fail', arguments: {} },
      { id: 'call-3', name: 'unheard-of', arguments: {} },
    ],
  },
  { ...{ text: `${SECRET} [1]`, toolCalls: [], finishReason: 'stop', usage } },
];
const modelOf = (given: (string | undefined)[], failFirst = false): LanguageModel => {
  let turn = failFirst ? -1 : 0;
  return {
    ...{ id: 'anthropic/large-1', provider: 'anthropic', contextTokens: 100_000, estimate: estimateTokens },
    price: { inputPerMillionUsd: '3', outputPerMillionUsd: '15' },
    generate: async ({ traceparent }) => {
      given.push(traceparent);
      turn += 1;
      if (turn === 0)
        throw new ModelError(SECRET, {
          ...{ reason: 'rate-limited', retryable: true, retryAfterMs: 1, mayHaveCost: false },
        });
      return REPLIES[Math.min(turn, REPLIES.length) - 1] as ModelReply;
    },
  };
};
const toolsGiven: string[] = [];
const agent = defineAgent({
  ...{ name: 'helper', version: '7', instructions: SECRET, retrieve: { topK: 2 } },
  tools: [
    defineTool({
      ...{ name: 'look', description: 'looks', effect: 'read', arguments: z.object({ what: z.string() }) },
      execute: async (_, { traceparent }) => {
        toolsGiven.push(traceparent);
        return SECRET;
      },
    }),
    defineTool({
      ...{ name: 'fail', description: 'fails', effect: 'read', arguments: z.object({}) },
      execute: () => Promise.reject(new Error(SECRET)),
    }),
  ],
});
const spansOf = (events: readonly RuntimeEvent[]): readonly Span[] => events.flatMap(spansOfRuntimeEvent);

const ran = async (failFirst = false) => {
  const given: (string | undefined)[] = [];
  const { run, events } = simulate({ agent, models: [modelOf(given, failFirst)], text: SECRET });
  await run('worker-1');
  return { given, events, spans: spansOf(events) };
};

test('a task, its execution, and each of its steps below that, with what OpenTelemetry calls it', async () => {
  const { spans, given } = await ran();
  const task = spans.find(({ kind }) => kind === 'consumer');
  const execution = spans.find(({ name }) => name === 'invoke_agent helper');
  expect(task).toMatchObject({
    ...{ name: 'process freshet.tasks', parentSpanId: null },
    attributes: {
      'messaging.system.name': 'kafka',
      'messaging.system': 'kafka',
      'messaging.destination.name': 'freshet.tasks',
      'messaging.destination.partition.id': '0',
      'kafka.offset': 3,
      'messaging.consumer.group.name': 'freshet.agents',
      'messaging.message.id': 'task-1',
    },
  });
  expect(execution).toMatchObject({
    ...{ parentSpanId: task?.spanId, failure: null },
    attributes: {
      'gen_ai.operation.name': 'invoke_agent',
      'gen_ai.agent.name': 'helper',
      'gen_ai.agent.version': '7',
      'freshet.execution.id': 'execution-1',
      'freshet.execution.outcome': 'completed',
    },
  });
  const steps = spans.filter(({ parentSpanId }) => parentSpanId === execution?.spanId);
  expect(steps).toHaveLength(spans.length - 2);
  expect(steps.map(({ name, failure }) => [name, failure])).toEqual([
    ['retrieval documents', null],
    ['chat anthropic/large-1', null],
    ['execute_tool look', null],
    ['execute_tool fail', 'tool-failed'],
    ['execute_tool unknown', 'unknown-tool'],
    ['chat anthropic/large-1', null],
  ]);
  const [retrieval, chat, look] = steps;
  expect(retrieval?.attributes).toMatchObject({
    'gen_ai.data_source.id': 'documents',
    'freshet.top_k': 2,
    'freshet.chunks': 2,
  });
  expect(chat?.attributes).toMatchObject({
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'anthropic',
    'gen_ai.request.model': 'anthropic/large-1',
    'gen_ai.usage.input_tokens': 40,
    'gen_ai.usage.output_tokens': 7,
    'gen_ai.usage.cache_read.input_tokens': 30,
    'gen_ai.response.finish_reasons': ['tool-calls'],
  });
  expect(look?.attributes).toMatchObject({
    'gen_ai.tool.name': 'look',
    'gen_ai.tool.call.id': 'call-1',
    'freshet.tool.via': 'tool',
  });
  // What a model and a tool were handed names their own spans as parents.
  expect(given).toEqual(
    steps.filter(({ kind, name }) => kind === 'client' && name.startsWith('chat')).map(headerOf),
  );
  expect(toolsGiven.at(-1)).toBe(look && headerOf(look));
  expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length);
});

const headerOf = ({ traceId, spanId }: Span): string => `00-${traceId}-${spanId}-01`;

test('a failed call has the code of its failure, and its repetition is a step of its own', async () => {
  const { spans } = await ran(true);
  const chats = spans.filter(({ name }) => name.startsWith('chat'));
  expect(chats.map(({ failure }) => failure)).toEqual(['rate-limited', null, null]);
  expect(chats[0]?.attributes).not.toHaveProperty('gen_ai.response.finish_reasons');
});

test('nothing of what was asked, retrieved or answered is in a span', async () => {
  const { spans } = await ran(true);
  expect(JSON.stringify(spans)).not.toContain(SECRET);
  expect(JSON.stringify(spans)).not.toContain('delivery');
});

test('of a trace that is not sampled there are none', async () => {
  const { events } = await ran();
  const unsampled = events.map((event) =>
    event.name === 'step-ended' || event.name === 'execution-ended'
      ? { ...event, run: { ...event.run, trace: { ...event.run.trace, sampled: false } } }
      : event,
  );
  expect(spansOf(unsampled)).toEqual([]);
  expect(spansOf(events)).not.toEqual([]);
});

test('a successor adds to the same trace, and there is one span of the execution', async () => {
  const { run, events } = simulate({ agent, models: [modelOf([])], text: SECRET });
  await run('worker-1', 2).catch(() => undefined);
  const before = spansOf(events).length;
  await run('worker-2');
  const spans = spansOf(events);
  expect(before).toBeGreaterThan(0);
  expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
  expect(spans.filter(({ name }) => name.startsWith('invoke_agent'))).toHaveLength(1);
  const epochs = spans.map(({ attributes }) => attributes['freshet.execution.epoch']);
  expect(new Set(epochs)).toEqual(new Set([1, undefined, 2]));
  expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length);
});

test('a label of a metric never comes from what is under `run`', async () => {
  const { events } = await ran();
  const step = events.find((event): event is StepEnded => event.name === 'step-ended');
  const { run, ...rest } = step ?? expect.fail('no step was told');
  const shown = JSON.stringify({ ...rest, seen: null });
  for (const id of [run.identity.executionId, run.identity.taskId, 'acme', run.trace.traceId])
    expect(shown).not.toContain(id);
});
