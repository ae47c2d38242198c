/** Effects that failed before the step of a fork, and that the fork asks for again: at most one effect under one key (I8). */
import { expect, test } from 'vitest';
import { replayRecorded } from '../../../agents/replay/replay-execution.ts';
import { foldEvents } from '../../../agents/runtime/fold-events.ts';
import type { AgentDefinition } from '../../../schemas/agent-definition.ts';
import { OutcomeUnknown } from '../../../schemas/errors.ts';
import type { AgentEvent } from '../../../schemas/records.ts';
import { scriptedModel, type Turn } from '../runtime/random-model.ts';
import { simulate } from '../runtime/simulated-journal.ts';
import { AGENT, recordExecution } from './recorded-executions.ts';

const CHANGE: Turn = { kind: 'tools', names: ['change'] };
const DONE: Turn = { kind: 'text', text: 'Done [1].' };

/** Nobody knows what came of its first change. */
const losingTheFirst = (
  keys: string[],
  compensate?: NonNullable<AgentDefinition['tools']>[number]['compensate'],
): AgentDefinition => ({
  ...AGENT,
  tools: (AGENT.tools ?? []).map((tool) =>
    tool.name === 'change'
      ? {
          ...{ ...tool, takesIdempotencyKey: true },
          ...(compensate ? { compensate } : {}),
          execute: async (_, { idempotencyKey }) => {
            keys.push(idempotencyKey);
            if (keys.length === 1) throw new OutcomeUnknown('unavailable', 'the connection was cut');
            return 'done';
          },
        }
      : tool,
  ),
});

const failedIn = (events: readonly AgentEvent[]) => {
  const failed = events.find(({ type, name, error }) => type === 'tool-call' && name === 'change' && error);
  return { step: failed?.step ?? 0, key: failed?.idempotencyKey ?? '' };
};

test('a fork asks for what failed before its step under the key of the first try, as its origin would have', async () => {
  const keys: string[] = [];
  const agent = losingTheFirst(keys);
  const failing: Turn = { kind: 'failure', retryable: false, mayHaveCost: false };
  const origin = await recordExecution('task-a', { turns: [CHANGE, failing], deaths: [] }, { agent });
  expect(origin.at(-1)?.error?.code).toBe('model-failed');
  const { step, key } = failedIn(origin);
  const fork = simulate({ agent, models: [scriptedModel('first', [CHANGE, DONE])], fork: { origin, step } });
  await fork.run('worker-b');
  expect(fork.log.findLast(({ type, name }) => type === 'intent' && name === 'change')).toMatchObject({
    ...{ step: step + 2, idempotencyKey: key },
  });
  expect(keys).toEqual([expect.any(String), key]);
  expect(foldEvents(fork.log).failedEffects).toEqual([]);
  expect(replayRecorded(fork.log, [agent]).identical).toBe(true);
});

test('what was undone and is asked for again is another effect; what could not be undone is not', async () => {
  for (const undoes of [true, false]) {
    const keys: string[] = [];
    const agent = losingTheFirst(keys, async () => {
      if (!undoes) throw new Error('it is shipped already');
    });
    const origin = await recordExecution('task-a', { turns: [CHANGE, CHANGE, DONE], deaths: [] }, { agent });
    const { step, key } = failedIn(origin);
    const fork = simulate({
      ...{ agent, models: [scriptedModel('first', [CHANGE, DONE])] },
      fork: { origin, step },
    });
    await fork.run('worker-b');
    expect(fork.log.filter(({ name }) => name === 'undone').map((event) => event.idempotencyKey)).toEqual([
      `${key}:undo`,
    ]);
    expect(keys.slice(2)).toEqual([undoes ? `execution-1:${step + 2}` : key]);
  }
});

/** As the journal of another execution than the fork to come, which is of the same name. */
const named = (events: readonly AgentEvent[], executionId: string): readonly AgentEvent[] =>
  events.map((event) => ({
    ...{ ...event, executionId, taskId: 'task-b' },
    idempotencyKey: event.idempotencyKey?.replace('execution-1:', `${executionId}:`) ?? null,
  }));

test('a fork of a fork knows what that one undid', async () => {
  const keys: string[] = [];
  const agent = losingTheFirst(keys, async () => undefined);
  const origin = await recordExecution('task-a', { turns: [CHANGE, CHANGE, DONE], deaths: [] }, { agent });
  const { step } = failedIn(origin);
  const failing: Turn = { kind: 'failure', retryable: false, mayHaveCost: false };
  const first = simulate({ agent, models: [scriptedModel('first', [failing])], fork: { origin, step } });
  await first.run('worker-b');
  expect(first.log.at(-1)?.error?.code).toBe('model-failed');
  // From where it stood when it undid it, and from before.
  const second = simulate({
    ...{ agent, models: [scriptedModel('first', [CHANGE, DONE])] },
    fork: { origin: named(first.log, 'execution-b'), step },
  });
  await second.run('worker-c');
  expect(keys.slice(2)).toEqual([`execution-1:${step + 2}`]);
  expect(replayRecorded(second.log, [agent]).identical).toBe(true);
  expect(foldEvents(second.log).costs.size).toBe(2);
});

test('a fork makes what was under way at its step under the key of the first try, and so does a fork of it', async () => {
  const keys: string[] = [];
  const agent = losingTheFirst(keys);
  const recorded = await recordExecution('task-a', { turns: [CHANGE, DONE], deaths: [] }, { agent });
  const { step, key } = failedIn(recorded);
  // Its worker was lost before it heard.
  const origin = recorded.slice(
    0,
    recorded.findIndex((event) => event.type === 'tool-call' && event.step === step),
  );
  const models = () => [scriptedModel('first', [DONE])];
  const first = simulate({ agent, models: models(), fork: { origin, step } });
  await first.run('worker-b', 1).catch(() => undefined);
  const second = simulate({
    ...{ agent, models: models() },
    // That one's own steps are still to come.
    fork: { origin: named(first.log, 'execution-b'), step: step - 1 },
  });
  for (const fork of [first, second]) {
    await fork.run('worker-c');
    expect(fork.log.at(-1)?.error).toBeNull();
    expect(keys.at(-1)).toBe(key);
    expect(foldEvents(fork.log).failedEffects).toEqual([]);
    expect(replayRecorded(fork.log, [agent]).identical).toBe(true);
  }
  expect(keys).toHaveLength(3);
});

test('a fork of before has none of its origin’s keys', async () => {
  const agent = losingTheFirst([]);
  const origin = await recordExecution('task-a', { turns: [CHANGE, DONE], deaths: [] }, { agent });
  const { step } = failedIn(origin);
  const fork = simulate({ agent, models: [scriptedModel('first', [DONE])], fork: { origin, step } });
  await fork.run('worker-b');
  const under = (rules: number) =>
    foldEvents(
      fork.log.map((event) =>
        event.type === 'request'
          ? { ...event, input: JSON.stringify({ ...JSON.parse(event.input ?? ''), rules }) }
          : event,
      ),
    ).failedEffects.length;
  expect([under(2), under(3)]).toEqual([0, 1]);
});
