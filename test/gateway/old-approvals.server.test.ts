/** An approval that has waited for long, with more of the journal behind it than a gateway looks back, is listed and given (rule J). */

import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startTaskWorker } from '../../agents/runtime/task-worker.ts';
import { openHeardControls } from '../../agents/safety/heard-controls.ts';
import { isSnapshot } from '../../schemas/execution-snapshot.ts';
import { AGENTS_GROUP } from '../../schemas/groups.ts';
import { journalOffsetOf } from '../../schemas/journal-position.ts';
import { executionIdOf } from '../../schemas/task-identity.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type AgentsStack, openAgentsStack } from '../agents/agents-stack.ts';
import { fixedRetriever } from '../agents/fixed-retriever.ts';
import { PATIENCE, patient } from '../agents/runtime/patient-agent.ts';
import { eventOf } from '../support/event-of.ts';
import { until } from '../support/until.ts';
import { startGatewayUnderTest } from './gateway-under-test.ts';

const PARTITION = 2;
/** More than a gateway reads of a partition at its start, and more than it searches of it. */
const RECORDS_BEHIND = 10_500;
const EACH = 500;
let stack: AgentsStack;
const closings: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  stack = await openAgentsStack();
  closings.push(stack.close);
  const control = await openHeardControls({ ...stack, localTenant: 'acme', onTrouble: () => undefined });
  closings.push(control.close);
  const worker = await startTaskWorker({
    ...PATIENCE,
    // Journaled whole at once, and not again.
    waits: { afterMs: 0, recordsBehind: 10_000_000 },
    ...{ ...stack, control },
    retriever: fixedRetriever(),
    workerName: 'patient-of-days',
  });
  closings.push(() => worker.stop(1_000));
});
afterAll(async () => {
  for (const close of closings.reverse()) await close();
});

/** Ends of executions that began before anybody's memory, as old as may be. */
const passTime = async (): Promise<void> => {
  for (let written = 0; written < RECORDS_BEHIND; written += EACH)
    await stack.writer.append(
      Array.from({ length: EACH }, () => {
        const taskId = `task-of-before-${randomUUID()}`;
        const event = eventOf({ type: 'response', taskId, executionId: executionIdOf(taskId), at: 1 });
        return {
          ...{ topic: TOPICS.agentEvents.name, partition: PARTITION, key: taskId },
          value: stack.codec.encode('AgentEvent', event),
        };
      }),
    );
};

test('it is listed by a gateway that starts long after it was asked for, and its task goes on when it is given', async () => {
  const file = join(tmpdir(), `freshet-patient-${randomUUID()}`);
  onTestFinished(() => rmSync(file, { force: true }));
  const taskId = await stack.submit({ agent: 'patient', input: `change ${file}` }, PARTITION);
  const asked = await until('the question', async () =>
    (await stack.journalOf(taskId)).find(({ name }) => name === 'approval-asked'),
  );
  await until('it is journaled whole', async () => (await stack.journalOf(taskId)).some(isSnapshot));
  // What a gateway goes by: no more has to be read than from its snapshot on.
  await until('the commit behind the question', async () => {
    const commits = await stack.kafka.admin.committed(AGENTS_GROUP, TOPICS.tasks.name);
    return (journalOffsetOf(commits.get(PARTITION)?.metadata) ?? 0) > asked.offset;
  });
  await passTime();

  const under = await startGatewayUnderTest({ agents: [patient] });
  closings.push(under.close);
  const { body: safety } = await under.call('/v1/safety?agent=patient&limit=500');
  const { approvals } = safety as { approvals: { taskId: string; argumentsHash: string }[] };
  const listed = approvals.find((each) => each.taskId === taskId);
  expect(listed).toMatchObject({ tool: 'change', step: asked.step, arguments: { file }, tenant: 'acme' });
  const ofTask = (await under.call(`/v1/tasks/${taskId}/approvals`)).body as { approvals: unknown[] };
  expect(ofTask.approvals).toMatchObject([{ step: asked.step, state: 'waiting', arguments: { file } }]);

  const said = { step: asked.step, argumentsHash: listed?.argumentsHash, decision: 'approve' };
  const given = await under.call(`/v1/tasks/${taskId}/approve`, {
    ...{ method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(said) },
  });
  expect(given.status).toBe(202);
  await until('the tool has run', () => existsSync(file));
  expect(readFileSync(file, 'utf8').trim().split('\n')).toHaveLength(1);
  await until('it waits no more', async () => {
    const { body } = await under.call('/v1/safety?agent=patient&limit=500');
    return !(body as { approvals: { taskId: string }[] }).approvals.some((each) => each.taskId === taskId);
  });
});
