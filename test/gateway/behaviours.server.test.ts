/** A candidate on a share of tasks, over real Kafka: workers, the projection and two gateways, through HTTP and the command. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { startTaskWorker, type TaskWorker } from '../../agents/runtime/task-worker.ts';
import { type HeardControls, openHeardControls } from '../../agents/safety/heard-controls.ts';
import { addBehaviourCommands } from '../../cli/commands/behaviour.ts';
import { openRecordWriter } from '../../connectors/kafka/record-writer.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import type { rolloutSchema } from '../../gateway/views/rollout-view.ts';
import { startExecutionProjection } from '../../pipelines/project-executions/project-executions.ts';
import { defineAgent, defineTool } from '../../schemas/agent-definition.ts';
import type { Alert, RecordName, Records } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { fixedRetriever } from '../agents/fixed-retriever.ts';
import { auditOf } from '../support/audit-of.ts';
import { runCommand } from '../support/run-command.ts';
import { until } from '../support/until.ts';
import {
  AGENT,
  type GatewayUnderTest,
  openKafkaAndCodec,
  startGatewayUnderTest,
} from './gateway-under-test.ts';

type RolloutView = z.output<typeof rolloutSchema>;

let holding = 0;
let release: () => void = () => undefined;
const released = new Promise<void>((resolve) => {
  release = resolve;
});
const hold = defineTool({
  ...{ name: 'hold', description: 'Waits.', effect: 'read', arguments: z.object({}) },
  execute: async (_, { signal }) => {
    holding += 1;
    await Promise.race([released, new Promise((_, reject) => signal.addEventListener('abort', reject))]);
    return 'so';
  },
});
const stable = defineAgent({
  ...{ name: AGENT, version: '1', instructions: 'Answer.', plan: () => ({ answer: 'by 1' }) },
});
const candidate = defineAgent({
  ...{ name: AGENT, version: '2', instructions: 'Answer.', tools: [hold] },
  plan: ({ input, results }) => {
    if (input === 'hard') return { fail: 'too hard' };
    if (input === 'hold' && results.length === 0) return { tools: [{ name: 'hold', arguments: {} }] };
    return { answer: 'by 2' };
  },
});

let under: GatewayUnderTest;
let other: GatewayUnderTest;
let control: HeardControls;
let worker: TaskWorker;
let kafka: Awaited<ReturnType<typeof openKafkaAndCodec>>['kafka'];
let codec: Awaited<ReturnType<typeof openKafkaAndCodec>>['codec'];
const closings: (() => Promise<unknown>)[] = [];

const startWorker = (name: string): Promise<TaskWorker> => {
  const writer = openRecordWriter(kafka);
  closings.push(writer.close);
  return startTaskWorker({
    ...{ kafka, codec, writer, models: [], agents: [stable], behaviours: [candidate], control },
    rolloutOf: (agent) => control.view.rolloutOf(agent)?.rollout,
    retriever: fixedRetriever(),
    workerName: `${name}-${randomUUID()}`,
    concurrency: 16,
    localTenant: 'acme',
  });
};

beforeAll(async () => {
  ({ kafka, codec } = await openKafkaAndCodec());
  closings.push(kafka.close);
  control = await openHeardControls({ kafka, codec, localTenant: 'acme', onTrouble: () => undefined });
  closings.push(control.close);
  const writer = openRecordWriter(kafka);
  closings.push(writer.close);
  const projection = await startExecutionProjection({ kafka, codec, writer });
  closings.push(projection.stop);
  [worker, under] = await Promise.all([
    startWorker('first'),
    startGatewayUnderTest({ agents: [stable], behaviours: [candidate] }),
  ]);
  closings.push(under.close);
});
afterAll(async () => {
  release();
  await worker?.stop(1_000);
  await other?.close();
  for (const close of closings.reverse()) await close();
});

const change = async (verb: string, body: object = {}, gateway = under) => {
  const { status, body: answer } = await gateway.call(`/v1/behaviours/${AGENT}/${verb}`, {
    ...{ method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) },
  });
  return { status, ...(answer as { code?: string; detail?: string; rollout?: RolloutView }) };
};
const rolloutAt = async (gateway = under): Promise<RolloutView | undefined> =>
  ((await gateway.call('/v1/behaviours')).body as { rollouts: RolloutView[] }).rollouts[0];
const submit = async (input: string, sessionId?: string): Promise<string> => {
  const { body } = await under.submit({ agent: AGENT, input, ...(sessionId ? { sessionId } : {}) });
  return (body as { taskId: string }).taskId;
};
/** Of an execution that has ended, the version it ran under. */
const ranUnder = (taskId: string): Promise<string> =>
  until(`${taskId} has ended`, async () => {
    const { body } = await under.call(`/v1/executions?limit=200&agent=${AGENT}`);
    const { executions } = body as { executions: { taskId: string; behaviour: string; state: string }[] };
    const found = executions.find((each) => each.taskId === taskId);
    return found && ['completed', 'failed'].includes(found.state) && found.behaviour;
  });
const standing = async <Name extends RecordName>(topic: string, name: Name, key: string) => {
  const found: { readonly key: string; readonly record: Records[Name] }[] = [];
  await scanTopic(kafka, { topic }, async (record) => {
    const at = record.key?.toString('utf8') ?? '';
    if (record.value && at.startsWith(key))
      found.push({ key: at, record: await codec.decode(name, record.value) });
  });
  return found;
};
const alerts = async (): Promise<readonly Alert[]> =>
  (await standing(TOPICS.alerts.name, 'Alert', `behaviour:${AGENT}/`)).map(({ record }) => record);

test('what cannot be deployed or ended is refused, and a dry run changes nothing', async () => {
  const version = { version: '2', share: 0.5 };
  expect(await change('deploy', { ...version, version: '9' })).toMatchObject({
    ...{ status: 404, detail: expect.stringMatching(/no version 9.*`behaviours`/) },
  });
  expect(await change('deploy', { ...version, version: '1' })).toMatchObject({
    status: 409,
    code: 'conflict',
  });
  expect(await change('deploy', { ...version, share: 0 })).toMatchObject({ status: 400 });
  for (const verb of ['promote', 'rollback']) expect(await change(verb)).toMatchObject({ status: 409 });
  expect(await change('deploy', { ...version, dryRun: true })).toMatchObject({
    ...{ status: 202, dryRun: true, rollout: { stable: '1', candidate: '2', share: 0.5, by: 'local' } },
  });
  expect(await rolloutAt()).toBeUndefined();
});

test('a candidate that fails is rolled back, with audit and alert; sessions stay with one version, and what began under it ends under it', async () => {
  const { rollout: begun } = await change('deploy', { version: '2', share: 1, reason: 'shorter answers' });
  await until('the worker heard it', () => control.view.rolloutOf(AGENT));
  const held = await submit('hold');
  await until('it is under way', () => holding > 0);

  expect((await change('deploy', { version: '2', share: 0.5 })).rollout?.since).toBe(begun?.since);
  await until('the worker heard it', () => control.view.rolloutOf(AGENT)?.rollout.share === 0.5);
  const sessions = Array.from({ length: 12 }, () => `session-${randomUUID()}`);
  const first = await Promise.all(sessions.map((session) => submit('fine', session)));
  const second = await Promise.all(sessions.map((session) => submit('fine', session)));
  const versions = await Promise.all(first.map(ranUnder));
  expect(await Promise.all(second.map(ranUnder))).toEqual(versions);
  expect(new Set(versions)).toEqual(new Set(['1', '2']));

  // A gateway that starts later reads what has ended, and they decide alike.
  other = await startGatewayUnderTest({ agents: [stable], behaviours: [candidate] });
  for (const gateway of [under, other]) {
    const verdict = await until('both know how all ended', async () => {
      const found = (await rolloutAt(gateway))?.verdict;
      const ended = found && found.outcomes.stable.executions + found.outcomes.candidate.executions;
      return ended === 24 && found;
    });
    expect(verdict.outcomes.candidate).toMatchObject({
      ...{ executions: 2 * versions.filter((version) => version === '2').length, failureRate: 0 },
    });
  }

  const hard = await Promise.all(Array.from({ length: 44 }, () => submit('hard')));
  await Promise.all(hard.map(ranUnder));
  const over = await until('it is rolled back', async () => {
    const found = await rolloutAt();
    return found?.state === 'rolled-back' && found;
  });
  expect(over).toMatchObject({
    share: 0,
    by: 'freshet',
    reason: expect.stringMatching(/^it fails in .* the stable version in 0\.0 %/),
  });
  await until('the other gateway and the worker know', async () => {
    return (await rolloutAt(other))?.share === 0 && control.view.rolloutOf(AGENT)?.rollout.share === 0;
  });
  // Both gateways may do it in the same moment, each with what it had seen by then.
  expect(await alerts()).toContainEqual(
    expect.objectContaining({
      ...{ kind: 'rolled-back', state: 'firing', summary: expect.stringContaining(over.reason ?? '') },
    }),
  );
  const [{ record } = { record: undefined }] = await standing(
    ...([TOPICS.control.name, 'Control', `behaviour:${AGENT}/`] as const),
  );
  const audited = await auditOf(record?.name ?? '');
  expect(audited[0]).toMatchObject({ action: 'behaviour deploy', by: 'local', reason: 'shorter answers' });
  expect(audited).toContainEqual(
    expect.objectContaining({ action: 'behaviour rollback', by: 'freshet', reason: over.reason }),
  );

  // Taken over by another worker, after the rollback.
  await worker.stop(0);
  worker = await startWorker('second');
  release();
  expect(await ranUnder(held)).toBe('2');
  expect(await ranUnder(await submit('hard'))).toBe('1');
});

test('by hand: deployed again it begins anew and ends the alert, promoted it gets every task, rolled back none', async () => {
  const run = async (...words: readonly string[]): Promise<string> => {
    const there = { gateway: under.gateway.url };
    return (await runCommand(addBehaviourCommands, there, ['behaviour', ...words])).stdout;
  };
  expect(await run('deploy', AGENT, '2', '--share', '0.1%')).toMatch(/^0\.1 % of new tasks .* under 2/);
  expect((await alerts()).at(-1)).toMatchObject({ state: 'ended' });
  expect(await run('list')).toMatch(/canary, 0\.1 % of new tasks(.|\n)*beside 1 since/);
  // A configuration that holds it no longer has nothing that every new task could run under.
  const without = await startGatewayUnderTest({ agents: [stable] });
  closings.push(without.close);
  await until('it has read the rollout', () => rolloutAt(without));
  expect(await change('promote', {}, without)).toMatchObject({ status: 404, code: 'not-found' });
  expect(await run('promote', AGENT, '--yes', '--reason', 'it will do')).toMatch(/every new task/);
  await until('the worker heard it', () => control.view.rolloutOf(AGENT)?.rollout.share === 1);
  expect(await ranUnder(await submit('fine'))).toBe('2');
  expect(await change('deploy', { version: '2', share: 0.5 })).toMatchObject({ status: 409 });
  expect(await rolloutAt()).toMatchObject({
    state: 'promoted',
    share: 1,
    reason: 'it will do',
    verdict: null,
  });
  expect(await run('rollback', AGENT)).toMatch(/no new task .* under 2, all under 1/);
  await until('the worker heard it', () => control.view.rolloutOf(AGENT)?.rollout.share === 0);
  expect(await ranUnder(await submit('fine'))).toBe('1');
});
