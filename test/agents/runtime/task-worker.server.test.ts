import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RuntimeEvent } from '../../../agents/runtime/runtime-event.ts';
import { startTaskWorker, type TaskWorker } from '../../../agents/runtime/task-worker.ts';
import { support } from '../../../agents/support/support.ts';
import { createExtractiveModel } from '../../../connectors/models/language/extractive-model.ts';
import { type AgentsStack, eventually, openAgentsStack } from '../agents-stack.ts';
import { fixedRetriever } from '../fixed-retriever.ts';

let stack: AgentsStack;
let worker: TaskWorker;
const events: RuntimeEvent[] = [];

beforeAll(async () => {
  stack = await openAgentsStack();
  worker = await startTaskWorker({
    kafka: stack.kafka,
    codec: stack.codec,
    writer: stack.writer,
    retriever: fixedRetriever(),
    models: [createExtractiveModel()],
    agents: [support],
    workerName: 'worker-a',
    concurrency: 8,
    onEvent: (event) => events.push(event),
    log: (level, message, details) => console.error(level, message, details),
  });
});

afterAll(async () => {
  await worker?.stop(1_000);
  await stack?.close();
});

test('a task is answered from what was retrieved, with citations and a receipt, step by step in the journal', async () => {
  const taskId = await stack.submit({ agent: 'support', input: 'How long do I have to return a product?' });
  const journal = await eventually('a response', async () => {
    const found = await stack.journalOf(taskId);
    return found.some((event) => event.type === 'response') ? found : undefined;
  });
  console.log(
    journal.map((e) => ({
      ...e,
      stateHashBefore: e.stateHashBefore?.slice(0, 6),
      stateHashAfter: e.stateHashAfter?.slice(0, 6),
      inputHash: e.inputHash?.slice(0, 6),
    })),
  );
  console.log(events);
  expect(journal.map((event) => event.type)).toEqual([
    'user-input',
    'claim',
    'request',
    'tool-call',
    'intent',
    'llm-response',
    'response',
  ]);
});
