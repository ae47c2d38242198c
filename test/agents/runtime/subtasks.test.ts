import { expect, test } from 'vitest';
import { readTask } from '../../../agents/runtime/read-task.ts';
import { subtaskOf } from '../../../agents/runtime/subtasks.ts';
import { parseUserInput } from '../../../schemas/execution-payloads.ts';
import type { Task } from '../../../schemas/records.ts';

const TASK: Task = {
  ...{ agent: 'triage', input: 'Look.', taskId: 'task-1', tenant: 'acme', principal: null, sessionId: null },
  ...{ feature: null, budget: null, freshness: null, createdAt: 1, priority: 0, notBefore: null },
  ...{ deadlineAt: null, parent: null, fork: null },
};

/** As its worker reads it, or whoever takes it over from the journal. */
const inputOf = async (task: Task) => {
  const record = { ...{ topic: 'freshet.tasks', partition: 0, offset: 3, timestamp: 0 }, key: null };
  const read = await readTask(
    { ...record, value: Buffer.from('{}'), headers: {} },
    { decode: async () => task as never },
  );
  if (read.kind !== 'task') throw new Error(read.message);
  const input = parseUserInput(JSON.stringify(read.input));
  if (!input) throw new Error('it cannot be read from the journal');
  return input;
};

test('a sub-task is as urgent as who waits for it', async () => {
  const identity = {
    ...{ executionId: 'execution-1', taskId: 'task-1', agent: 'triage', behaviour: '1', worker: 'a' },
    ...{ tenant: 'acme', sessionId: null },
  };
  for (const priority of [0, 9]) {
    const input = await inputOf({ ...TASK, priority });
    const of = { identity, input, partition: 0, tenant: 'acme', now: 2 };
    const subtask = subtaskOf(of, { agent: 'digest', step: 1, text: 'Sum it up.', maxUsd: '1' });
    expect(subtask.priority).toBe(priority);
    expect((await inputOf(subtask)).priority ?? 0).toBe(priority);
  }
});
