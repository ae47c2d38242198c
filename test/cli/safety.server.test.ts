/** `freshet agent`, `budget`, `task cancel|approve` as an operator runs them, against a real gateway. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addAgentCommands } from '../../cli/commands/agent.ts';
import { addBudgetCommands } from '../../cli/commands/budget.ts';
import { addTaskCommand } from '../../cli/commands/task.ts';
import { APPROVAL_ASKED } from '../../schemas/approval-request.ts';
import { hashOf } from '../../schemas/canonical-json.ts';
import { systemClock } from '../../schemas/clock.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { AGENT, type GatewayUnderTest, startGatewayUnderTest } from '../gateway/gateway-under-test.ts';
import { runCommand } from '../support/run-command.ts';
import { until } from '../support/until.ts';

let under: GatewayUnderTest;
beforeAll(async () => {
  under = await startGatewayUnderTest();
});
afterAll(() => under?.close());

const run = (add: Parameters<typeof runCommand>[0], ...words: readonly string[]) =>
  runCommand(add, { gateway: under.gateway.url }, words);
const parsed = (printed: { readonly stdout: string }): unknown => JSON.parse(printed.stdout);

const begun = async (): Promise<string> => {
  const { taskId } = (await under.submit({ agent: AGENT, input: 'Do it.' })).body as { taskId: string };
  await under.journal(taskId, { type: 'user-input', epoch: 0, sequence: 0 }, { type: 'claim' });
  return taskId;
};

test('an agent is killed, listed as killed, and revived; for all tenants only with --yes', async () => {
  const tenant = `t-${randomUUID()}`;
  const killed = await run(addAgentCommands, 'agent', 'kill', AGENT, '--tenant', tenant, '--reason', 'wild');
  expect(killed.stdout).toBe(`killed ${AGENT} for ${tenant}\n`);
  const list = () => run(addAgentCommands, 'agent', 'list', '--json').then(parsed);
  expect(await list()).toMatchObject({
    agents: [{ agent: AGENT, killed: [{ tenant, by: 'local', reason: 'wild' }] }],
    tenants: [],
  });
  expect((await run(addAgentCommands, 'agent', 'list')).stdout).toContain(`killed for ${tenant} by local`);
  await run(addAgentCommands, 'agent', 'revive', AGENT, '--tenant', tenant);
  expect(await list()).toMatchObject({ agents: [{ killed: [] }] });
  await expect(run(addAgentCommands, 'agent', 'kill', '--tenant', tenant)).rejects.toMatchObject({
    code: 'usage',
    message: expect.stringContaining('kill every agent for') as unknown,
  });
  await run(addAgentCommands, 'agent', 'kill', '--tenant', tenant, '--yes');
  expect(await list()).toMatchObject({ agents: [{ killed: [] }], tenants: [{ tenant }] });
  await run(addAgentCommands, 'agent', 'revive', '--tenant', tenant);
  const dry = await run(addAgentCommands, 'agent', 'kill', AGENT, '--dry-run');
  expect(dry.stdout).toBe(`would kill ${AGENT}\n`);
  expect(await list()).toMatchObject({ agents: [{ killed: [] }] });
  await expect(run(addAgentCommands, 'agent', 'kill', AGENT)).rejects.toMatchObject({ code: 'usage' });
  await expect(run(addAgentCommands, 'agent', 'kill')).rejects.toMatchObject({ code: 'usage' });
  await expect(run(addAgentCommands, 'agent', 'kill', 'nobody', '--yes')).rejects.toMatchObject({
    code: 'not-found',
  });
});

test('what has no limit is said to have none, with what was spent so far', async () => {
  const costId = `execution-${randomUUID()}:1:1`;
  await under.put({
    ...{ topic: TOPICS.costs.name, key: costId },
    value: under.codec.encode('Cost', {
      ...{ costId, taskId: 'task-1', executionId: 'execution-1', agent: AGENT, tenant: `t-${AGENT}` },
      ...{ feature: null, tool: null, model: 'small', step: 1, inputTokens: 1, outputTokens: 1 },
      ...{ cachedInputTokens: 0, usd: '0.25', priceTable: 'test', settled: true, kind: 'model' },
      ...{ outcome: 'done', at: systemClock() },
    }),
  });
  const line = async (name: string): Promise<string> => {
    const { stdout } = await run(addBudgetCommands, 'budget', 'show');
    return stdout.split('\n').find((each) => each.includes(` ${name} `)) ?? '';
  };
  await until('it is read', async () => (await line(`t-${AGENT}`)) !== '');
  for (const name of [AGENT, `t-${AGENT}`]) expect(await line(name)).toMatch(/ no limit set +0\.25 +– +none/);
});

test('a budget is set and shown', async () => {
  const set = await run(
    addBudgetCommands,
    'budget',
    'set',
    '--agent',
    AGENT,
    '--usd',
    '2.50',
    '--reason',
    'trial',
  );
  expect(set.stdout).toBe(`${AGENT}: 2.50 USD a day\n`);
  const shown = await run(addBudgetCommands, 'budget', 'show', '--json').then(parsed);
  expect(shown).toMatchObject({
    budgets: expect.arrayContaining([
      expect.objectContaining({ of: 'agent', name: AGENT, usdPerDay: '2.50', from: 'set', reason: 'trial' }),
    ]) as unknown,
  });
  expect((await run(addBudgetCommands, 'budget', 'show')).stdout).toContain('set by local');
  await run(addBudgetCommands, 'budget', 'set', '--agent', AGENT, '--usd', 'none');
  const dry = await run(addBudgetCommands, 'budget', 'set', '--tenant', 'acme', '--usd', '1', '--dry-run');
  expect(dry.stdout).toBe('would set acme: 1 USD a day\n');
  const wrong = run(addBudgetCommands, 'budget', 'set', '--usd', '1');
  await expect(wrong).rejects.toMatchObject({ code: 'usage' });
  const more = run(addBudgetCommands, 'budget', 'set', '--agent', AGENT, '--usd', 'much');
  await expect(more).rejects.toMatchObject({ code: 'request-invalid' });
});

test('a task is asked to stop', async () => {
  const taskId = await begun();
  const dry = await run(addTaskCommand, 'task', 'cancel', taskId, '--dry-run');
  expect(dry.stdout).toMatch(/^would ask it to stop; it is (?:pending|processing)\n$/);
  const listed = async (tenant: string) =>
    parsed(await run(addTaskCommand, 'task', 'list', '--agent', AGENT, '--tenant', tenant, '--json'));
  expect(await listed('nobody')).toEqual([]);
  const asked = await run(addTaskCommand, 'task', 'cancel', taskId, '--reason', 'twice');
  expect(asked.stdout).toMatch(/^asked to stop; it was (?:pending|processing)\n$/);
  await expect(run(addTaskCommand, 'task', 'cancel', 'task-of-nobody')).rejects.toMatchObject({
    code: 'not-found',
  });
});

test('an action is shown with its arguments, and approved or denied only by its step', async () => {
  const taskId = await begun();
  const input = { order: 7, usd: '12.00' };
  const asks = (epoch: number, step: number) =>
    under.journal(
      taskId,
      { type: 'claim', epoch },
      {
        ...({ type: 'checkpoint', epoch, step, name: APPROVAL_ASKED } as const),
        input: JSON.stringify(input),
        output: JSON.stringify({
          tool: 'refund',
          argumentsHash: hashOf(input),
          until: systemClock() + 3_600_000_000,
        }),
      },
    );
  await asks(2, 2);
  await asks(3, 5);
  const approve = (...words: readonly string[]) => run(addTaskCommand, 'task', 'approve', taskId, ...words);
  await until('both wait', async () => (parsed(await approve('--json')) as unknown[]).length === 2);
  expect((await approve()).stdout).toContain('{"order":7,"usd":"12.00"}');
  await expect(approve('--step', '2')).rejects.toMatchObject({ code: 'usage' });
  await expect(approve('--step', '3', '--yes')).rejects.toMatchObject({ code: 'not-found' });
  expect((await approve('--step', '2', '--dry-run')).stdout).toBe('would approve\n');
  expect((await approve('--step', '2', '--yes', '--reason', 'checked')).stdout).toBe('approved\n');
  expect((await approve('--step', '5', '--deny')).stdout).toBe('denied\n');
  expect(parsed(await approve('--json'))).toMatchObject([
    { step: 2, state: 'approved', reason: 'checked' },
    { step: 5, state: 'denied' },
  ]);
});
