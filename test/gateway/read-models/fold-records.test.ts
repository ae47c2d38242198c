/** What the read models make of executions of which a gateway has not read the beginning, or that another one began. */
import { expect, test } from 'vitest';
import { INITIAL_STATE } from '../../../agents/runtime/execution-state.ts';
import { snapshotDraftOf } from '../../../agents/runtime/snapshot.ts';
import type { KafkaRecord } from '../../../connectors/kafka/kafka.ts';
import type { RecordCodec } from '../../../connectors/registry/record-codec.ts';
import { createMetrics } from '../../../connectors/telemetry/metrics.ts';
import { foldRecordsInto } from '../../../gateway/read-models/fold-records.ts';
import { createLiveMetrics } from '../../../gateway/read-models/live-metrics.ts';
import { createReadModels } from '../../../gateway/read-models/read-models.ts';
import type { CallCost } from '../../../schemas/execution-costs.ts';
import type { AgentEvent, Task } from '../../../schemas/records.ts';
import { executionIdOf } from '../../../schemas/task-identity.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { eventOf } from '../../support/event-of.ts';

const SECOND = 1_000_000;
const NOW = 1_800_000_000 * SECOND;
const CALL: CallCost = {
  ...{ costId: 'c', step: 1, model: 'm', tool: null, usd: '0.5', priceTable: '', failed: false, at: NOW },
  ...{ state: 'settled', usage: { inputTokens: 1, outputTokens: 1, cachedInputTokens: 0 } },
};
const task = (taskId: string): Task => ({
  ...{ agent: 'support', input: 'What is it?', taskId, tenant: 'globex', principal: null, sessionId: null },
  ...{ feature: 'chat', budget: null, freshness: null, createdAt: NOW, priority: 0, deadlineAt: null },
  ...{ notBefore: NOW + 3_600 * SECOND, parent: null, fork: null },
});

const bytesOf = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
/** Records as JSON, which is what the codec of a registry reads too. */
const codec = {
  decode: async (_: string, value: Buffer | null) => JSON.parse(String(value)),
} as unknown as RecordCodec;

const folded = () => {
  const models = createReadModels({ targetMs: 1_000, objective: 0.99 });
  const metrics = createMetrics('gateway');
  const support = { name: 'support', version: '1', instructions: 'Answer.' };
  const fold = foldRecordsInto({
    ...{ models, codec, clock: () => NOW, live: createLiveMetrics(metrics, [support], []) },
    payloads: { whole: async (event: AgentEvent) => event },
    onUnreadable: (_, error) => {
      throw error;
    },
  });
  const event = (offset: number, taskId: string, part: Partial<AgentEvent> & Pick<AgentEvent, 'type'>) => {
    const at = { topic: TOPICS.agentEvents.name, partition: 0, offset, timestamp: NOW / 1_000 };
    const value = bytesOf(eventOf({ taskId, executionId: executionIdOf(taskId), at: NOW, ...part }));
    return fold({ ...at, key: Buffer.from(taskId), value, headers: {} }, true);
  };
  const lines = async (start: string) =>
    (await metrics.registry.text()).split('\n').filter((line) => line.startsWith(start));
  return { models, event, lines };
};

const recordOf = (taskId: string): KafkaRecord => ({
  ...{ topic: TOPICS.tasks.name, partition: 0, offset: 3, timestamp: NOW / 1_000 },
  ...{ key: Buffer.from(taskId), value: bytesOf(task(taskId)), headers: {} },
});

test('a task that is known from the snapshot of its wait alone is whose it is, with what it asks for and when', async () => {
  const { models, event } = folded();
  const draft = snapshotDraftOf(recordOf('late'), 0, INITIAL_STATE);
  await event(7, 'late', { ...draft, type: 'checkpoint', epoch: 0, tenant: 'globex' });
  const { tenant, agent, state, input, notBefore, createdAt } = models.executions.task('late') ?? {};
  expect({ tenant, agent, state, input }).toEqual({
    ...{ tenant: 'globex', agent: 'support', state: 'pending', input: 'What is it?' },
  });
  expect([notBefore, createdAt]).toEqual([NOW + 3_600 * SECOND, NOW]);
  // Though its content is gone.
  await event(8, 'lost', { ...draft, type: 'checkpoint', epoch: 0, tenant: 'globex', output: null });
  expect(models.executions.task('lost')).toMatchObject({ tenant: 'globex', agent: 'support' });
});

test('an execution that is known from a snapshot on took as long and cost as much as it did', async () => {
  const { models, event, lines } = folded();
  await event(90, 'another', { type: 'claim' });
  const order = { epoch: 1, worker: 'worker-a', sequence: 4, hasInput: true, ended: false };
  const input = { text: 'What is it?', principal: null, feature: 'chat', budget: null, createdAt: NOW };
  const state = { ...INITIAL_STATE, order, input, startedAt: NOW + SECOND, costs: new Map([['c', CALL]]) };
  const draft = snapshotDraftOf(recordOf('waited'), 100, state);
  await event(120, 'waited', { ...draft, type: 'checkpoint', sequence: 5 });
  const answer = { type: 'response', sequence: 6, at: NOW + 60 * SECOND } as const;
  await event(130, 'waited', answer);
  expect(models.executions.task('waited')).toMatchObject({
    ...{ costUsd: '0.5', feature: 'chat', input: 'What is it?', createdAt: NOW, startedAt: NOW + SECOND },
  });
  expect(models.agents.of('support').latencyMs.p50).toBeCloseTo(60_000, -3);
  // Of the next one nothing but its end was read: how long it took is not known.
  await event(140, 'unseen', answer);
  expect(await lines('freshet_task_seconds_sum')).toEqual(['freshet_task_seconds_sum{agent="support"} 60']);
  expect(await lines('freshet_task_seconds_count')).toEqual([
    'freshet_task_seconds_count{agent="support"} 1',
  ]);
  expect(models.agents.of('support')).toMatchObject({ completed: 2, meanResolutionMs: 60_000 });
});

test('what a fork takes over is not counted again, and what it does itself is', async () => {
  const { models, event, lines } = folded();
  const fork = { partition: 0, offset: 1, step: 2, compensate: false };
  const input = { text: 'What is it?', principal: null, feature: null, budget: null, fork, createdAt: NOW };
  const call = { type: 'tool-call', name: 'cancel', idempotencyKey: 'k', durationMicros: SECOND } as const;
  const error = { code: 'not-allowed', message: 'No.', retryable: false };
  const before = { at: NOW - SECOND };
  await event(1, 'fork', { type: 'user-input', input: JSON.stringify(input) });
  await event(2, 'fork', { type: 'claim' });
  await event(3, 'fork', { ...call, ...before, step: 1, sequence: 1, error });
  await event(4, 'fork', { ...call, ...before, step: 2, sequence: 2 });
  expect(models.refusals.list(10).held).toBe(0);
  expect(await lines('freshet_tool_calls_total')).toEqual([]);
  // A call of the last step whose outcome was lost is made again by the fork.
  await event(5, 'fork', { ...call, step: 2, sequence: 3 });
  await event(6, 'fork', { ...call, step: 3, sequence: 4, error });
  expect(models.refusals.list(10).held).toBe(1);
  expect(await lines('freshet_step_seconds_count')).toEqual([
    'freshet_step_seconds_count{agent="support",kind="tool"} 2',
  ]);
  expect(models.agents.of('support').toolSuccessRate).toBe(0.5);
});
