/** What waits, and whose turn it is meanwhile: of a session in order through a takeover, and of tenants by what acts. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startTaskWorker, type TaskWorker } from '../../../agents/runtime/task-worker.ts';
import { type HeardControls, openHeardControls } from '../../../agents/safety/heard-controls.ts';
import type { LanguageModel } from '../../../connectors/models/language/language-model.ts';
import { signalRecord } from '../../../schemas/control-signals.ts';
import { isSnapshot } from '../../../schemas/execution-snapshot.ts';
import { executionIdOf } from '../../../schemas/task-identity.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { type AgentsStack, eventually, openAgentsStack } from '../agents-stack.ts';
import { fixedRetriever } from '../fixed-retriever.ts';
import { PATIENCE, patientModel } from './patient-agent.ts';

const PARTITION = 5;
let stack: AgentsStack;
let control: HeardControls;
let worker: TaskWorker | undefined;

beforeAll(async () => {
  stack = await openAgentsStack();
  control = await openHeardControls({ ...stack, localTenant: 'acme', onTrouble: () => undefined });
});

afterEach(async () => {
  await worker?.stop(1_000);
  worker = undefined;
});

afterAll(async () => {
  await control?.close();
  await stack?.close();
});

/** Of tasks that begin with `slow`. */
const open = (slowMs: number, concurrency: number): Promise<TaskWorker> => {
  const model: LanguageModel = {
    ...patientModel,
    generate: async (request) => {
      const ms = request.messages[0]?.content.startsWith('slow') ? slowMs : 0;
      await sleep(ms, undefined, request.signal ? { signal: request.signal } : {});
      return patientModel.generate(request);
    },
  };
  return startTaskWorker({
    ...PATIENCE,
    ...{ ...stack, control, concurrency, models: [model] },
    retriever: fixedRetriever(),
    workerName: `turns-${randomUUID()}`,
  });
};

const submit = (input: string, over: { readonly sessionId?: string; readonly tenant?: string } = {}) =>
  stack.submit({ agent: 'patient', input, ...over }, PARTITION);

const eventOf = (taskId: string, type: 'claim' | 'response') =>
  eventually(`the ${type} of ${taskId}`, async () =>
    (await stack.journalOf(taskId)).find((event) => event.type === type),
  );

const cancel = async (taskId: string): Promise<void> => {
  const asked = { by: 'ada', reason: 'seen', at: Date.now() * 1_000 };
  const said = { ...asked, kind: 'cancel', taskId, executionId: executionIdOf(taskId) } as const;
  const { key, control: value } = signalRecord(said, randomUUID());
  await stack.writer.append([
    { topic: TOPICS.control.name, key, value: stack.codec.encode('Control', value) },
  ]);
};

test('a task that was held behind another of its session, and journaled whole, waits for it under the next worker too', async () => {
  worker = await open(600_000, 4);
  const sessionId = `session-${randomUUID()}`;
  const first = await submit('slow answer', { sessionId });
  const second = await submit('say after', { sessionId });
  await eventOf(first, 'claim');
  for (let at = 0; at < 2 * PATIENCE.waits.tasksBehind; at += 1) await submit(`say ${at}`);
  await eventually('the second journaled whole', async () =>
    (await stack.journalOf(second)).find(isSnapshot),
  );
  await worker.stop(0);
  worker = await open(0, 4);
  const ended = await eventOf(first, 'response');
  expect((await eventOf(second, 'claim')).offset).toBeGreaterThan(ended.offset);
  expect((await eventOf(second, 'response')).name).toBe('completed');
}, 240_000);

test('a tenant whose tasks only wait has its turn before the backlog of another is through', async () => {
  // Half of the backlog takes seconds: what waits for its turn is taken and answered within them on any machine.
  worker = await open(1_000, 2);
  const [patient, busy] = [`patient-${randomUUID()}`, `busy-${randomUUID()}`];
  const waiting: string[] = [];
  for (let at = 0; at < 4; at += 1) waiting.push(await submit('change nothing', { tenant: patient }));
  for (const taskId of waiting)
    await eventually('the question', async () =>
      (await stack.journalOf(taskId)).find(({ name }) => name === 'approval-asked'),
    );
  const backlog = await Promise.all(
    Array.from({ length: 20 }, (_, at) => submit(`slow ${at}`, { tenant: busy })),
  );
  const next = await submit('say it', { tenant: patient });
  const { offset } = await eventOf(next, 'response');
  const ends = await Promise.all(backlog.map((taskId) => eventOf(taskId, 'response')));
  expect(ends.filter((end) => end.offset > offset).length).toBeGreaterThan(backlog.length / 2);
  for (const taskId of waiting) await cancel(taskId);
  for (const taskId of waiting) await eventOf(taskId, 'response');
}, 240_000);
