/** What people ask of agents through the gateway: audited, on freshet.control, and known to every worker within a second. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { followControl } from '../../agents/safety/follow-control.ts';
import { type HeardControls, openHeardControls } from '../../agents/safety/heard-controls.ts';
import type { KafkaClient } from '../../connectors/kafka/kafka.ts';
import { APPROVAL_ASKED } from '../../schemas/approval-request.ts';
import { hashOf } from '../../schemas/canonical-json.ts';
import { systemClock } from '../../schemas/clock.ts';
import { executionIdOf } from '../../schemas/task-identity.ts';
import { auditOf } from '../support/audit-of.ts';
import { until } from '../support/until.ts';
import {
  AGENT,
  answered,
  type GatewayUnderTest,
  openKafkaAndCodec,
  startGatewayUnderTest,
} from './gateway-under-test.ts';

let under: GatewayUnderTest;
let kafka: KafkaClient;
/** As a worker of agents follows it. */
let worker: HeardControls;
const troubles: Error[] = [];

beforeAll(async () => {
  under = await startGatewayUnderTest();
  const open = await openKafkaAndCodec();
  kafka = open.kafka;
  worker = await openHeardControls({
    ...open,
    localTenant: 'acme',
    onTrouble: (error) => troubles.push(error),
  });
});
afterAll(async () => {
  await worker?.close();
  await under?.close();
  await kafka?.close();
});

const send = (path: string, body: unknown, method = 'POST') =>
  under.call(path, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

/** Of this agent alone: the log is shared. */
const killsOf = async (name: string) =>
  (
    (await under.call('/v1/kills')).body as { readonly kills: readonly { readonly agent: string }[] }
  ).kills.filter(({ agent }) => agent === name);

const begun = async (): Promise<string> => {
  const { taskId } = (await under.submit({ agent: AGENT, input: 'Do it.' })).body as { taskId: string };
  await under.journal(taskId, { type: 'user-input', epoch: 0, sequence: 0 }, { type: 'claim' });
  return taskId;
};

test('a task is cancelled: audited, and told to its worker', async () => {
  const taskId = await begun();
  const { status, body } = await send(`/v1/tasks/${taskId}/cancel`, { reason: 'asked twice' });
  expect([status, body]).toMatchObject([202, { taskId }]);
  const { cancel } = await until('the worker knows', () => {
    const signals = worker.view.signalsOf(executionIdOf(taskId));
    return signals.cancel && signals;
  });
  expect(cancel).toMatchObject({ taskId, by: 'local', reason: 'asked twice' });
  expect(await auditOf(executionIdOf(taskId))).toMatchObject([
    { action: 'task cancel', by: 'local', reason: 'asked twice' },
  ]);
});

test('a dry run says what would be done: nothing is audited, and no worker hears of it', async () => {
  const taskId = await begun();
  const tenant = `t-${randomUUID()}`;
  const dryRun = true;
  const budget = { tenant, usdPerDay: '1.00', dryRun };
  const asked = [
    await send(`/v1/tasks/${taskId}/cancel`, { dryRun }),
    await send(`/v1/agents/${AGENT}/kill`, { tenant, dryRun }),
    await send(`/v1/tenants/${tenant}/kill`, { dryRun }),
    await send('/v1/budgets', budget, 'PUT'),
  ];
  expect(asked.map(({ status, body }) => [status, body])).toMatchObject(
    asked.map(() => [202, { dryRun: true }]),
  );
  // What is asked for behind them is heard, so they would have been.
  const behind = await begun();
  await send(`/v1/tasks/${behind}/cancel`, {});
  await until('it is heard', () => worker.view.signalsOf(executionIdOf(behind)).cancel);
  expect(worker.view.signalsOf(executionIdOf(taskId)).cancel).toBeNull();
  expect(worker.view.isKilled(AGENT, tenant)).toBe(false);
  for (const target of [executionIdOf(taskId), `${AGENT}/${tenant}`, tenant, `tenant/${tenant}`])
    expect(await auditOf(target)).toEqual([]);
});

test('a task that has ended, or that nobody knows, is not cancelled', async () => {
  const taskId = await begun();
  await under.journal(taskId, { type: 'claim', epoch: 2 }, { ...answered('Done.'), epoch: 2 });
  await until('it has ended', async () => {
    const { body } = await under.call(`/v1/tasks/${taskId}`);
    return (body as { state: string }).state === 'completed';
  });
  expect((await send(`/v1/tasks/${taskId}/cancel`, {})).status).toBe(409);
  expect((await send(`/v1/tasks/task-${randomUUID()}/cancel`, {})).status).toBe(404);
});

test('an action is approved with its very arguments, once asked for and before its deadline', async () => {
  const taskId = await begun();
  const executionId = executionIdOf(taskId);
  const input = { order: 7, usd: '12.00' };
  const argumentsHash = hashOf(input);
  const asks = (step: number, deadlineAt: number) => ({
    ...({ type: 'checkpoint', step, name: APPROVAL_ASKED } as const),
    input: JSON.stringify(input),
    output: JSON.stringify({ tool: 'refund', argumentsHash, until: deadlineAt }),
  });
  const inAnHour = systemClock() + 3_600_000_000;
  const approve = (body: object) => send(`/v1/tasks/${taskId}/approve`, { decision: 'approve', ...body });
  expect((await approve({ step: 2, argumentsHash })).status).toBe(404);

  await under.journal(taskId, { type: 'claim', epoch: 2 }, { ...asks(2, inAnHour), epoch: 2 });
  await under.journal(taskId, { type: 'claim', epoch: 3 }, { ...asks(4, systemClock() - 1), epoch: 3 });
  const listed = async () =>
    ((await under.call(`/v1/tasks/${taskId}/approvals`)).body as { approvals: { state: string }[] })
      .approvals;
  await until('both are asked for', async () => (await listed()).length === 2);
  expect(await listed()).toMatchObject([
    { step: 2, tool: 'refund', arguments: input, argumentsHash, state: 'waiting' },
    { step: 4, state: 'expired' },
  ]);
  // Of other arguments, another step, or too late.
  expect((await approve({ step: 2, argumentsHash: hashOf({ ...input, usd: '12000.00' }) })).status).toBe(404);
  expect((await approve({ step: 3, argumentsHash })).status).toBe(404);
  expect((await approve({ step: 4, argumentsHash })).status).toBe(409);
  expect(worker.view.signalsOf(executionId).approvals).toEqual([]);

  expect((await approve({ step: 2, argumentsHash, reason: 'checked' })).status).toBe(202);
  await until('the worker knows', () => worker.view.approvalOf({ executionId, step: 2, argumentsHash }));
  expect(worker.view.approvalOf({ executionId, step: 2, argumentsHash })).toMatchObject({
    decision: 'approve',
    by: 'local',
    reason: 'checked',
  });
  expect((await listed())[0]).toMatchObject({ state: 'approved', by: 'local', reason: 'checked' });
  expect((await approve({ step: 2, argumentsHash, decision: 'deny' })).status).toBe(409);
  expect(await auditOf(`${executionId}/2/${argumentsHash}`)).toMatchObject([{ action: 'task approve' }]);
});

test('a kill is known to workers within a second of its answer, and holds until it is revived', async () => {
  const took: number[] = [];
  for (const tenant of [`t-${randomUUID()}`, `t-${randomUUID()}`, undefined]) {
    const of = tenant ?? 'anybody';
    const body = { reason: 'runs wild', ...(tenant ? { tenant } : {}) };
    expect((await send(`/v1/agents/${AGENT}/kill`, body)).status).toBe(202);
    const answeredAt = performance.now();
    await until('it is killed', () => worker.view.isKilled(AGENT, of), { every: 5 });
    took.push(performance.now() - answeredAt);
    expect(worker.view.isKilled(AGENT, 'somebody-else')).toBe(tenant === undefined);
    expect(await killsOf(AGENT)).toMatchObject([
      { tenant: tenant ?? null, by: 'local', reason: 'runs wild' },
    ]);
    expect((await send(`/v1/agents/${AGENT}/revive`, tenant ? { tenant } : {})).status).toBe(202);
    await until('it works again', () => !worker.view.isKilled(AGENT, of), { every: 5 });
    expect(await killsOf(AGENT)).toEqual([]);
  }
  // The quickest: a machine that is busy for a moment makes no kill late.
  expect(Math.min(...took)).toBeLessThan(1_000);
  expect((await send(`/v1/agents/no-such/kill`, {})).status).toBe(404);
});

test('an execution hears what is said of it, and its call under way is ended', async () => {
  const identity = (taskId: string, tenant: string) => ({
    ...{ executionId: executionIdOf(taskId), taskId, agent: AGENT, behaviour: '1' },
    ...{ worker: 'w-1', tenant, sessionId: null },
  });
  const [cancelled, untouched] = await Promise.all([begun(), begun()]);
  const tenant = `t-${randomUUID()}`;
  const ones = {
    cancelled: worker.open(identity(cancelled, 'acme')),
    untouched: worker.open(identity(untouched, 'acme')),
    killed: worker.open(identity(`task-${randomUUID()}`, tenant)),
  };
  const told = ones.cancelled.changed(10_000, new AbortController().signal);
  await send(`/v1/tasks/${cancelled}/cancel`, { reason: 'enough' });
  await told;
  await until('it has heard', () => ones.cancelled.stopped.aborted);
  expect(ones.cancelled.stop()).toEqual({ code: 'cancelled', message: 'cancelled by local: enough' });
  await send(`/v1/agents/${AGENT}/kill`, { tenant });
  await until('it has heard', () => ones.killed.stopped.aborted);
  expect(ones.killed.stop()).toEqual({ code: 'killed', message: `${AGENT} was stopped by local` });
  expect(ones.untouched.stop()).toBeNull();
  expect(ones.untouched.stopped.aborted).toBe(false);
  // One that begins after the kill.
  expect(worker.open(identity(`task-${randomUUID()}`, tenant)).stopped.aborted).toBe(true);
  await send(`/v1/agents/${AGENT}/revive`, { tenant });
  await until('it works again', () => !worker.view.isKilled(AGENT, tenant));
  // What was under way is aborted: it ends, and does not go on.
  expect(ones.killed.stop()).toEqual({ code: 'killed', message: `${AGENT} was stopped by local` });
  expect(worker.open(identity(`task-${randomUUID()}`, tenant)).stop()).toBeNull();
  const began = performance.now();
  await ones.untouched.changed(30.5, new AbortController().signal);
  expect(performance.now() - began).toBeLessThan(5_000);
  for (const each of Object.values(ones)) each.close();
});

test('every agent is stopped for one tenant', async () => {
  const tenant = `t-${randomUUID()}`;
  expect((await send(`/v1/tenants/${tenant}/kill`, {})).status).toBe(202);
  await until('it is killed', () => worker.view.isKilled(AGENT, tenant));
  expect((await send(`/v1/tenants/${tenant}/revive`, {})).status).toBe(202);
  await until('it works again', () => !worker.view.isKilled(AGENT, tenant));
});

test('a budget is set, shown, known to workers, and taken back', async () => {
  const budget = async () =>
    ((await under.call('/v1/budgets')).body as { budgets: { name: string }[] }).budgets.find(
      ({ name }) => name === AGENT,
    );
  expect(await budget()).toMatchObject({ usdPerDay: null, from: 'none', spentUsd: '0' });
  const set = await send('/v1/budgets', { agent: AGENT, usdPerDay: '2.50', reason: 'trial' }, 'PUT');
  expect([set.status, set.body]).toEqual([
    202,
    { of: 'agent', name: AGENT, usdPerDay: '2.50', dryRun: false },
  ]);
  expect(await budget()).toMatchObject({
    ...{ usdPerDay: '2.50', from: 'set', by: 'local', reason: 'trial' },
    // There is no ledger to ask.
    ...{ spentUsd: null, remainingUsd: null },
  });
  const none = { agent: null, tenant: null };
  await until('the worker knows', () => worker.view.limitsOf(AGENT, 'acme', none).agentUsd === '2.50');
  expect((await send('/v1/budgets', { agent: AGENT, usdPerDay: null }, 'PUT')).status).toBe(202);
  expect(await budget()).toMatchObject({ usdPerDay: null, from: 'none' });
  for (const wrong of [
    { usdPerDay: '1' },
    { agent: AGENT, tenant: 'acme', usdPerDay: '1' },
    { agent: AGENT, usdPerDay: '1e3' },
    { agent: AGENT, usdPerDay: '-1' },
  ])
    expect((await send('/v1/budgets', wrong, 'PUT')).status).toBe(400);
});

test('a worker that starts later knows what stands', async () => {
  const tenant = `t-${randomUUID()}`;
  await send(`/v1/agents/${AGENT}/kill`, { tenant });
  const later = await followControl({
    ...{ kafka, codec: under.codec },
    onSignal: () => undefined,
    onTrouble: (error) => troubles.push(error),
  });
  expect(later.view.isKilled(AGENT, tenant)).toBe(true);
  await later.close();
  await send(`/v1/agents/${AGENT}/revive`, { tenant });
  expect(troubles).toEqual([]);
});
