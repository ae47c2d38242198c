/** What a journal holds and no projection can read is told by topic and reason, so that it is counted as any dead letter is. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type ExecutionProjectionEvent,
  startExecutionProjection,
} from '../../../pipelines/project-executions/project-executions.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { type AgentsStack, openAgentsStack } from '../../agents/agents-stack.ts';
import { startTestStack } from '../../support/own-stack.ts';
import { until } from '../../support/until.ts';

const topic = TOPICS.agentEvents.name;
let stack: AgentsStack;
const closings: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  // A log of its own: nobody else is to come across the record.
  const own = await startTestStack({ servers: ['kafka', 'schemaRegistry'] });
  closings.push(own.stop);
  stack = await openAgentsStack(own);
  closings.push(stack.close);
});
afterAll(async () => {
  for (const close of closings.reverse()) await close();
});

test('each unreadable record of the journal is told once, with its topic and why', async () => {
  const told: ExecutionProjectionEvent[] = [];
  await stack.writer.append([{ topic, partition: 2, key: 'task', value: Buffer.from('no event') }]);
  const projection = await startExecutionProjection({
    ...stack,
    clock: () => Date.now() * 1_000,
    onEvent: (event) => void told.push(event),
    onFailure: (error) => {
      throw error;
    },
  });
  try {
    const unread = () => told.filter(({ name }) => name === 'dead-lettered');
    await until('the record is told', () => unread().length > 0);
    expect(unread()).toEqual([{ name: 'dead-lettered', topic, reason: 'not-avro' }]);
  } finally {
    await projection.stop();
  }
});
