/** What waits for long pins nothing (rule J): tasks behind it are committed, and whoever takes over finds it by its snapshot alone. */

import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from 'vitest';
import { replayExecution } from '../../../agents/replay/replay-execution.ts';
import { startTaskWorker, type TaskWorker } from '../../../agents/runtime/task-worker.ts';
import { type HeardControls, openHeardControls } from '../../../agents/safety/heard-controls.ts';
import {
  type ExecutionProjection,
  startExecutionProjection,
} from '../../../pipelines/project-executions/project-executions.ts';
import { hashOf } from '../../../schemas/canonical-json.ts';
import { systemClock } from '../../../schemas/clock.ts';
import { signalRecord } from '../../../schemas/control-signals.ts';
import { isSnapshot, snapshotPlaceOf } from '../../../schemas/execution-snapshot.ts';
import { AGENTS_GROUP } from '../../../schemas/groups.ts';
import { journalOffsetOf } from '../../../schemas/journal-position.ts';
import type { Result } from '../../../schemas/records.ts';
import { executionIdOf } from '../../../schemas/task-identity.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { type AgentsStack, eventually, openAgentsStack } from '../agents-stack.ts';
import { fixedRetriever } from '../fixed-retriever.ts';
import { workerChildren } from '../worker-children.ts';
import { PATIENCE, patient } from './patient-agent.ts';

const PROGRAM = fileURLToPath(new URL('patient-worker-process.ts', import.meta.url));
const TASKS = TOPICS.tasks.name;
const EVENTS = TOPICS.agentEvents.name;
const PARTITION = 6;
const { maxSpan, waits } = PATIENCE;
/** Microseconds; later than anything else here, however slow the machine is. */
const AN_HOUR = 3_600_000_000;
let stack: AgentsStack;
let projection: ExecutionProjection;
let control: HeardControls;
let worker: TaskWorker | undefined;
const children = workerChildren(PROGRAM);

beforeAll(async () => {
  stack = await openAgentsStack();
  projection = await startExecutionProjection(stack);
  control = await openHeardControls({ ...stack, localTenant: 'acme', onTrouble: () => undefined });
});

afterEach(async () => {
  children.killAll();
  await worker?.stop(1_000);
  worker = undefined;
});

afterAll(async () => {
  await control?.close();
  await projection?.stop();
  await stack?.close();
});

const resultsOf = async (taskId: string): Promise<readonly Result[]> =>
  (await stack.read(TOPICS.results.name, 'Result', (result) => result.taskId === taskId)).map(
    ({ record }) => record,
  );

const resultOf = (taskId: string) =>
  eventually(`the result of ${taskId}`, async () => (await resultsOf(taskId))[0], 60_000);

const askedOf = (taskId: string) =>
  eventually('the question', async () =>
    (await stack.journalOf(taskId)).find(({ name }) => name === 'approval-asked'),
  );

const approve = async (taskId: string, step: number, file: string): Promise<void> => {
  const subject = { executionId: executionIdOf(taskId), step, argumentsHash: hashOf({ file }) };
  const said = { by: 'ada', reason: 'seen', at: Date.now() * 1_000 };
  const { key, control: value } = signalRecord(
    { ...said, kind: 'approval', subject, taskId, decision: 'approve' },
    randomUUID(),
  );
  await stack.writer.append([
    { topic: TOPICS.control.name, key, value: stack.codec.encode('Control', value) },
  ]);
};

const endOf = async (topic: string): Promise<number> =>
  (await stack.kafka.admin.offsets(topic)).find(({ partition }) => partition === PARTITION)?.latest ?? 0;

const commitOf = async () => {
  const at = (await stack.kafka.admin.committed(AGENTS_GROUP, TASKS)).get(PARTITION);
  return { offset: at?.offset ?? 0, journal: journalOffsetOf(at?.metadata) ?? 0 };
};

/** More than the worker would read behind a task that pins it. */
const pass = (many: number): Promise<readonly string[]> =>
  Promise.all(
    Array.from({ length: many }, (_, at) =>
      stack.submit({ agent: 'patient', input: `say ${at}` }, PARTITION),
    ),
  );

const journalSaysAllOf = (taskIds: readonly string[]) =>
  eventually(`${taskIds.length} tasks ended`, async () => {
    const ids = new Set(taskIds);
    const ended = await stack.read(
      EVENTS,
      'AgentEvent',
      ({ taskId, type }) => type === 'response' && ids.has(taskId),
    );
    return ended.length === ids.size ? ended : undefined;
  });

const newFile = (): string => {
  const file = join(tmpdir(), `freshet-patient-${randomUUID()}`);
  onTestFinished(() => rmSync(file, { force: true }));
  return file;
};
const linesOf = (file: string): readonly string[] =>
  existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];

test('a task waits for approval while more than a span of tasks behind it end; its worker is killed, the next resumes from the snapshot, and the tool runs once (I2, I8, I10)', async () => {
  const child = await children.start('patient-killed');
  const file = newFile();
  const begun = await endOf(EVENTS);
  const sessionId = `session-${randomUUID()}`;
  const waiting = await stack.submit({ agent: 'patient', input: `change ${file}`, sessionId }, PARTITION);
  const question = await askedOf(waiting);
  // Behind it: one of its own session, which may not begin before it ended, and one whose time has not come.
  const behind = await stack.submit({ agent: 'patient', input: 'say after', sessionId }, PARTITION);
  const notBefore = systemClock() + AN_HOUR;
  const far = await stack.submit({ agent: 'patient', input: 'say later', notBefore }, PARTITION);
  await journalSaysAllOf(await pass(3 * maxSpan));
  const tasks = await endOf(TASKS);
  const commit = await eventually('the commit past all tasks, the journal to read short', async () => {
    const at = await commitOf();
    const left = (await endOf(EVENTS)) - at.journal;
    return at.offset === tasks && left < 2 * waits.recordsBehind ? at : undefined;
  });
  expect(commit.journal - begun).toBeGreaterThan(4 * waits.recordsBehind);
  const whole = (await stack.journalOf(waiting)).filter(isSnapshot);
  // Renewed as the log went on.
  expect(whole.length).toBeGreaterThan(1);
  expect(snapshotPlaceOf(whole.at(-1) ?? question)?.from).toBeGreaterThanOrEqual(commit.journal);

  await children.kill(child);
  let from = -1;
  let later = 0;
  worker = await startTaskWorker({
    ...PATIENCE,
    ...{ ...stack, control },
    clock: () => systemClock() + later,
    retriever: fixedRetriever(),
    workerName: 'patient-successor',
    onOwned: (partition, at) => {
      if (partition === PARTITION) from = at;
    },
  });
  await eventually('a higher claim', async () =>
    (await stack.journalOf(waiting)).find(({ type, epoch }) => type === 'claim' && epoch === 2),
  );
  expect(from).toBeGreaterThanOrEqual(commit.journal);
  expect(linesOf(file)).toEqual([]);
  expect((await stack.journalOf(behind)).filter(({ type }) => type === 'claim')).toEqual([]);

  await approve(waiting, question.step, file);
  const result = await resultOf(waiting);
  expect(result).toMatchObject({ outcome: 'completed', tenant: 'acme', sessionId });
  expect(linesOf(file)).toEqual([`${executionIdOf(waiting)}:${question.step + 1}`]);
  expect(await resultOf(behind)).toMatchObject({ outcome: 'completed' });
  expect((await resultOf(behind)).startedAt).toBeGreaterThan(result.completedAt);
  expect((await stack.journalOf(far)).filter(({ type }) => type === 'claim')).toEqual([]);
  later = AN_HOUR;
  const last = await resultOf(far);
  expect(last).toMatchObject({ outcome: 'completed' });
  expect(last.startedAt).toBeGreaterThanOrEqual(notBefore);
  for (const taskId of [waiting, behind, far]) {
    const journal = await stack.journalOf(taskId);
    expect(journal.filter(({ type }) => type === 'response')).toHaveLength(1);
    expect(await resultsOf(taskId)).toHaveLength(1);
    for (const at of [journal.find(isSnapshot), journal[0]]) {
      const replay = await replayExecution({
        ...stack,
        agents: [patient],
        at: { topic: EVENTS, partition: PARTITION, offset: at?.offset ?? -1 },
      });
      expect(replay).toMatchObject({ identical: true, ended: true, taskId });
    }
  }
  // Nothing waits any more, and nothing is read again for what did.
  await eventually('the journal let go', async () =>
    (await commitOf()).journal === (await endOf(EVENTS)) ? true : undefined,
  );
}, 240_000);

test('a parent that waits for its sub-task is committed, and hears of the end under another worker (I2, I3)', async () => {
  const child = await children.start('patient-parent');
  const file = newFile();
  const parent = await stack.submit({ agent: 'patient', input: `share ${file}` }, PARTITION);
  const handed = await eventually('the sub-task', async () =>
    (await stack.journalOf(parent)).find(({ priceTable }) => priceTable === 'delegated'),
  );
  const subtask = handed.idempotencyKey ?? '';
  const question = await askedOf(subtask);
  await journalSaysAllOf(await pass(2 * waits.tasksBehind));
  const tasks = await endOf(TASKS);
  await eventually('the commit past the parent', async () =>
    (await commitOf()).offset >= tasks ? true : undefined,
  );
  await children.kill(child);
  worker = await startTaskWorker({
    ...PATIENCE,
    ...{ ...stack, control },
    retriever: fixedRetriever(),
    workerName: 'patient-heir',
  });
  await approve(subtask, question.step, file);
  expect(await resultOf(subtask)).toMatchObject({ outcome: 'completed' });
  expect(await resultOf(parent)).toMatchObject({ outcome: 'completed' });
  expect(linesOf(file)).toHaveLength(1);
  const journal = await stack.journalOf(parent);
  expect(journal.some(isSnapshot)).toBe(true);
  expect(
    journal.filter(({ type, idempotencyKey }) => type === 'tool-call' && idempotencyKey === subtask),
  ).toHaveLength(1);
  const at = { topic: EVENTS, partition: PARTITION, offset: journal.at(-1)?.offset ?? -1 };
  expect((await replayExecution({ ...stack, agents: [patient], at })).identical).toBe(true);
}, 240_000);
