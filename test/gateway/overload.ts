/** Fault 35, as a test of any length: an agent that keeps up with so many tasks a second is sent ten times as many. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { startTaskWorker } from '../../agents/runtime/task-worker.ts';
import { estimateTokens } from '../../connectors/models/language/estimate-tokens.ts';
import type { LanguageModel } from '../../connectors/models/language/language-model.ts';
import { defineAgent } from '../../schemas/agent-definition.ts';
import { AGENTS_GROUP } from '../../schemas/groups.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { openAgentsStack } from '../agents/agents-stack.ts';
import { until } from '../support/until.ts';
import { startGatewayUnderTest } from './gateway-under-test.ts';

const BOUND = 20;
/** A task of one session after the other: at most so many a second. */
const CAPACITY = 20;
const EVERY_MS = 100;
const INPUT = 'x'.repeat(10_000);
const MIB = 1024 * 1024;
/** Of the process that holds gateway, worker and whoever sends. */
const MAY_GROW_MIB = 256;

const slowModel: LanguageModel = {
  id: 'slow',
  price: { inputPerMillionUsd: '0', outputPerMillionUsd: '0' },
  contextTokens: 100_000,
  estimate: estimateTokens,
  generate: async () => {
    await sleep(1_000 / CAPACITY);
    return {
      text: 'Hello.',
      toolCalls: [],
      finishReason: 'stop',
      usage: { inputTokens: 10, outputTokens: 10, cachedInputTokens: 0, reported: true },
    };
  },
};

export const testTenTimesTheLoad = (seconds: number): void => {
  test(`fault 35: ten times what the agents keep up with for ${seconds} s: bounded lag and memory, then drained, and all that was acknowledged ended`, async () => {
    const agent = defineAgent({
      name: `loaded-${randomUUID().slice(0, 8)}`,
      version: '1',
      instructions: 'Say it.',
    });
    const stack = await openAgentsStack();
    const worker = await startTaskWorker({
      ...stack,
      retriever: { search: () => Promise.reject(new Error('nothing is retrieved here')) },
      models: [slowModel],
      agents: [agent],
      workerName: `loaded-${randomUUID()}`,
      concurrency: 16,
      localTenant: 'acme',
    });
    const under = await startGatewayUnderTest({
      agents: [agent],
      intake: { tasksPerSecond: 1e6, burst: 1e6, maxWaiting: BOUND },
    });
    const tasks = TOPICS.tasks.name;
    const lag = async (): Promise<number> => {
      const commits = await stack.kafka.admin.committed(AGENTS_GROUP, tasks);
      const ends = await stack.kafka.admin.offsets(tasks);
      return Math.max(
        ...ends.map(
          ({ partition, earliest, latest }) => latest - (commits.get(partition)?.offset ?? earliest),
        ),
      );
    };
    try {
      // What other tests left is done with first.
      await until('nothing waits', async () => (await lag()) === 0, { every: 200 });

      const most = { lag: 0, rss: 0 };
      const atFirst = process.memoryUsage().rss;
      const asked: ReturnType<typeof under.submit>[] = [];
      const began = performance.now();
      // By the clock, not by the answers: a machine that answers slowly is asked as often.
      for (let batch = 1; batch <= (seconds * 1_000) / EVERY_MS; batch += 1) {
        for (let at = 0; at < CAPACITY * 10 * (EVERY_MS / 1_000); at += 1)
          asked.push(under.submit({ agent: agent.name, input: INPUT, sessionId: 'one' }));
        most.rss = Math.max(most.rss, process.memoryUsage().rss);
        if (batch % 5 === 0) most.lag = Math.max(most.lag, await lag());
        await sleep(Math.max(0, batch * EVERY_MS - (performance.now() - began)));
      }
      const answers = await Promise.all(asked);
      const taken = answers.filter(({ status }) => status === 202);
      const refused = answers.filter(({ status }) => status === 429);
      expect(taken.length + refused.length).toBe(answers.length);
      expect(refused.every(({ headers }) => Number(headers.get('retry-after')) >= 1)).toBe(true);
      // Above the bound by no more than what was on its way to Kafka whenever the gateway looked.
      expect(most.lag).toBeGreaterThan(0);
      expect(most.lag).toBeLessThan(4 * BOUND);
      expect((most.rss - atFirst) / MIB).toBeLessThan(MAY_GROW_MIB);
      // It was as much too much as it was meant to be, and the agents worked all the while.
      expect(answers.length).toBeGreaterThan(5 * taken.length);
      expect(taken.length).toBeGreaterThan(BOUND);

      await until('it is drained', async () => (await lag()) === 0, { every: 200 });
      const ended = await stack.read(
        TOPICS.agentEvents.name,
        'AgentEvent',
        (event) => event.agent === agent.name && event.type === 'response' && event.name === 'completed',
      );
      const acknowledged = taken.map(({ body }) => (body as { readonly taskId: string }).taskId);
      expect(ended.map(({ record }) => record.taskId).sort()).toEqual(acknowledged.sort());
    } finally {
      await worker.stop(2_000);
      await under.close();
      await stack.close();
    }
  }, 360_000);
};
