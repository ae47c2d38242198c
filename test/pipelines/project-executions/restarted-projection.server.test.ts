/**
 * The projection is stopped while an execution waits that is known by its snapshot alone, and started again after more of the journal
 * was written: it begins at the snapshot, and what it writes is what it would have written had it never stopped (I2, I3).
 */

import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startTaskWorker } from '../../../agents/runtime/task-worker.ts';
import { openHeardControls } from '../../../agents/safety/heard-controls.ts';
import { createPartitionProjection } from '../../../pipelines/project-executions/partition-projection.ts';
import {
  type ExecutionProjection,
  startExecutionProjection,
} from '../../../pipelines/project-executions/project-executions.ts';
import { hashOf } from '../../../schemas/canonical-json.ts';
import { signalRecord } from '../../../schemas/control-signals.ts';
import { isSnapshot, snapshotPlaceOf } from '../../../schemas/execution-snapshot.ts';
import { PROJECTION_GROUP } from '../../../schemas/groups.ts';
import { journalOffsetOf } from '../../../schemas/journal-position.ts';
import { formatUsd, parseUsd } from '../../../schemas/money.ts';
import type { RecordName, Records } from '../../../schemas/records.ts';
import { executionIdOf } from '../../../schemas/task-identity.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { type AgentsStack, openAgentsStack } from '../../agents/agents-stack.ts';
import { fixedRetriever } from '../../agents/fixed-retriever.ts';
import { PATIENCE } from '../../agents/runtime/patient-agent.ts';
import { startTestStack } from '../../support/own-stack.ts';
import { until } from '../../support/until.ts';

const PARTITION = 1;
const EVENTS = TOPICS.agentEvents.name;
const WITHIN = { within: 200_000, every: 100 };
let stack: AgentsStack;
let projection: ExecutionProjection | undefined;
const closings: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  // A log of its own: executions that other tests leave waiting hold back what a projection has finished with.
  const own = await startTestStack({ servers: ['kafka', 'schemaRegistry'] });
  closings.push(own.stop);
  stack = await openAgentsStack(own);
  closings.push(stack.close);
  const control = await openHeardControls({ ...stack, localTenant: 'acme', onTrouble: () => undefined });
  closings.push(control.close);
  const worker = await startTaskWorker({
    ...PATIENCE,
    // Journaled whole at once, and not again.
    waits: { afterMs: 0, recordsBehind: 10_000_000 },
    ...{ ...stack, control },
    retriever: fixedRetriever(),
    workerName: 'before-a-projection',
  });
  closings.push(() => worker.stop(1_000));
});
afterAll(async () => {
  await projection?.stop();
  for (const close of closings.reverse()) await close();
});

const submit = (input: string) => stack.submit({ agent: 'patient', input, feature: 'waiting' }, PARTITION);
const ended = (taskId: string) =>
  until(
    `the end of ${taskId}`,
    async () => (await stack.journalOf(taskId)).find(({ type }) => type === 'response'),
    WITHIN,
  );
const approve = async (taskId: string, step: number, file: string): Promise<void> => {
  const subject = { executionId: executionIdOf(taskId), step, argumentsHash: hashOf({ file }) };
  const { key, control } = signalRecord(
    {
      ...{ by: 'ada', reason: 'seen', at: Date.now() * 1_000 },
      ...{ kind: 'approval', subject, taskId, decision: 'approve' },
    },
    randomUUID(),
  );
  const value = stack.codec.encode('Control', control);
  await stack.writer.append([{ topic: TOPICS.control.name, key, value }]);
};

type ProjectedName = 'TaskState' | 'Result' | 'Cost';
const TOPIC_OF = {
  TaskState: TOPICS.taskStates.name,
  Result: TOPICS.results.name,
  Cost: TOPICS.costs.name,
} as const satisfies Partial<Record<RecordName, string>>;

/** Every record that was written of these tasks, in order, those that were written twice as well. */
const written = async <Name extends ProjectedName>(
  name: Name,
  taskIds: readonly string[],
): Promise<readonly Records[Name][]> => {
  const ids = new Set(taskIds);
  return (await stack.read(TOPIC_OF[name], name, ({ taskId }) => ids.has(taskId))).map(
    ({ record }) => record,
  );
};

/** Once so many tasks have their result and their last state. */
const allProjected = (taskIds: readonly string[]) =>
  until(
    `${taskIds.length} results`,
    async () => {
      const states = await written('TaskState', taskIds);
      return states.filter(({ state }) => state === 'completed').length >= taskIds.length;
    },
    WITHIN,
  );

const committed = async () => {
  const at = (await stack.kafka.admin.committed(PROJECTION_GROUP, EVENTS)).get(PARTITION);
  return { offset: at?.offset ?? 0, pinnedAt: journalOffsetOf(at?.metadata) ?? 0 };
};

/** What one that reads all of the journal, and never stops, makes of these tasks. */
const wholeProjection = async (taskIds: readonly string[]) => {
  const ids = new Set(taskIds);
  const journal = await stack.read(EVENTS, 'AgentEvent', ({ taskId }) => ids.has(taskId));
  const { records } = createPartitionProjection().plan(
    journal.map(({ record, offset }) => ({ event: record, offset })),
  );
  return <Name extends ProjectedName>(name: Name) =>
    records.flatMap((each) => (each.name === name ? [each.record as Records[Name]] : []));
};

const byKey = <Of extends { readonly taskId: string }>(records: readonly Of[]): readonly Of[] =>
  [...records].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

test('it goes on from the snapshot of what waits: every result, state and cost is there, whole, and none twice', async () => {
  projection = await startExecutionProjection(stack);
  const files = [0, 1].map(() => join(tmpdir(), `freshet-projected-${randomUUID()}`));
  onTestFinished(() => {
    for (const file of files) rmSync(file, { force: true });
  });
  const waiting = await Promise.all(files.map((file) => submit(`change ${file}`)));
  const before = await Promise.all([1, 2, 3, 4, 5].map((at) => submit(`say ${at}`)));
  await allProjected(before);
  const snapshots = await Promise.all(
    waiting.map((taskId) =>
      until('its snapshot', async () => (await stack.journalOf(taskId)).find(isSnapshot), WITHIN),
    ),
  );
  const froms = snapshots.map((event) => snapshotPlaceOf(event)?.from ?? Number.NaN);
  const held = await until(
    'a commit that pins no more than the snapshots',
    async () => {
      const at = await committed();
      return at.pinnedAt >= Math.min(...froms) &&
        at.offset > Math.max(...snapshots.map(({ offset }) => offset))
        ? at
        : undefined;
    },
    WITHIN,
  );
  await projection.stop();
  projection = undefined;

  // Nobody projects: one of the two ends, others begin and end, and one waits on.
  const questions = await Promise.all(
    waiting.map(async (taskId) =>
      (await stack.journalOf(taskId)).find(({ name }) => name === 'approval-asked'),
    ),
  );
  const [first = '', second = ''] = waiting;
  await approve(first, questions[0]?.step ?? -1, files[0] ?? '');
  await ended(first);
  const meanwhile = await Promise.all([6, 7, 8].map((at) => submit(`say ${at}`)));
  for (const taskId of meanwhile) await ended(taskId);
  const all = [...waiting, ...before, ...meanwhile];
  expect(await written('Result', all)).toHaveLength(before.length);

  // What it has of them now comes from their snapshots: their beginnings are not read again.
  for (const taskId of waiting)
    expect((await stack.journalOf(taskId))[0]?.offset).toBeLessThan(held.pinnedAt);
  projection = await startExecutionProjection(stack);
  await allProjected(all.filter((taskId) => taskId !== second));
  expect((await written('Result', [second])).length).toBe(0);
  await approve(second, questions[1]?.step ?? -1, files[1] ?? '');
  await allProjected(all);

  const whole = await wholeProjection(all);
  expect(byKey(await written('Result', all))).toEqual(byKey(whole('Result')));
  expect(byKey(await written('Cost', all))).toEqual(byKey(whole('Cost')));
  const begun = (await written('TaskState', all)).filter(({ state }) => state !== 'pending');
  expect(byKey(begun)).toEqual(byKey(whole('TaskState')));
  for (const taskId of waiting) {
    const [result, ...others] = await written('Result', [taskId]);
    expect(others).toEqual([]);
    const costs = await written('Cost', [taskId]);
    // A call before the wait, and one after.
    expect(costs.map(({ feature }) => feature)).toEqual(['waiting', 'waiting']);
    expect(result?.costUsd).toBe(formatUsd(costs.reduce((sum, { usd }) => sum + parseUsd(usd), 0n)));
    expect(result?.createdAt).toBeGreaterThan(0);
  }
  // Whether it was seen before its worker began it is a matter of which topic was read first; after that it is never pending again.
  const states = await written('TaskState', all);
  for (const taskId of all) {
    const own = states.filter((each) => each.taskId === taskId).map(({ state }) => state);
    expect(own.join(' ')).toMatch(/^(pending )?processing completed$/);
  }

  // Started once more, with nothing to do, it writes nothing again.
  await projection.stop();
  const counts = async () =>
    Promise.all(
      (['Result', 'Cost', 'TaskState'] as const).map(async (name) => (await written(name, all)).length),
    );
  const once = await counts();
  projection = await startExecutionProjection(stack);
  const last = await submit('say last');
  await allProjected([last]);
  expect(await counts()).toEqual(once);
});
