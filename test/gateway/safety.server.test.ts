/** What holds agents in hand, through real HTTP, Kafka and Redis: read, and acted upon as the page does it. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { addAuditCommands } from '../../cli/commands/audit.ts';
import type { GuardedName } from '../../connectors/guarded-calls/breaker-state.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import { lookAtBreakers } from '../../connectors/redis/look-at-breakers.ts';
import { openRedisBudgetLedger } from '../../connectors/redis/redis-budget-ledger.ts';
import { openRedisConnection, type RedisConnection } from '../../connectors/redis/redis-connection.ts';
import {
  breakerKeyOf,
  openSharedBreakers,
  type SharedBreakers,
} from '../../connectors/redis/shared-breaker.ts';
import type { AuditView } from '../../gateway/routes/audit-routes.ts';
import type { SafetyView } from '../../gateway/views/safety-view.ts';
import type { FreshnessReport } from '../../pipelines/track-freshness/freshness-report.ts';
import { defineAgent } from '../../schemas/agent-definition.ts';
import { APPROVAL_ASKED } from '../../schemas/approval-request.ts';
import type { BudgetLedger } from '../../schemas/budget-ledger.ts';
import { dayOf } from '../../schemas/budget-ledger.ts';
import { hashOf } from '../../schemas/canonical-json.ts';
import { systemClock } from '../../schemas/clock.ts';
import type { Alert } from '../../schemas/records.ts';
import { executionIdOf } from '../../schemas/task-identity.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { runCommand } from '../support/run-command.ts';
import { until } from '../support/until.ts';
import {
  AGENT,
  type GatewayUnderTest,
  openKafkaAndCodec,
  startGatewayUnderTest,
} from './gateway-under-test.ts';

const GROUP = `test-${randomUUID()}`;
const NAMES: readonly GuardedName[] = ['model:small', 'tool:refund'];
const TENANT = `t-${randomUUID()}`;

let under: GatewayUnderTest;
let redis: RedisConnection;
let breakers: SharedBreakers;
let ledger: BudgetLedger;

beforeAll(async () => {
  const url = inject('stack').redis;
  redis = openRedisConnection(url);
  breakers = await openSharedBreakers({ url, group: GROUP });
  ledger = await openRedisBudgetLedger({ url, clock: systemClock });
  const look = lookAtBreakers(redis, GROUP);
  under = await startGatewayUnderTest({
    intake: { tasksPerSecond: 1, burst: 3, maxWaiting: 5_000 },
    budgets: ledger,
    breakers: async () =>
      (await look(NAMES)).map((breaker, at) => ({ name: NAMES[at] ?? 'tool:none', breaker })),
  });
});
afterAll(async () => {
  await under?.close();
  await Promise.all([breakers?.close(), ledger?.close(), redis?.close()]);
});

const safety = async (query = ''): Promise<SafetyView> =>
  (await under.call(`/v1/safety?agent=${AGENT}${query}`)).body as SafetyView;
const post = (path: string, body: object) =>
  under.call(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
const alertsOf = async (source: string): Promise<readonly Alert[]> => {
  const found = new Map<string, Alert>();
  const { kafka, codec } = await openKafkaAndCodec();
  await scanTopic(kafka, { topic: TOPICS.alerts.name }, async ({ value }) => {
    const alert = await codec.decode('Alert', value);
    // Of the same moment it is the same record.
    if (alert.source === source) found.set(`${alert.state} ${alert.at}`, alert);
  });
  await kafka.close();
  return [...found.values()];
};
const stopped = (code: string, message: string) => ({
  ...({ type: 'response', step: 4, name: 'halted' } as const),
  error: { code, message, retryable: false },
  output: JSON.stringify({
    ...{ outcome: 'halted', output: null, partial: null, receipt: null, steps: 3, startedAt: 1 },
  }),
});

test('a halt is listed with its check, its reason and the steps before it, and is found by its execution', async () => {
  const taskId = `task-${randomUUID()}`;
  const call = { type: 'tool-call', name: 'search', input: '{"query":"x"}', output: '{}' } as const;
  await under.journal(
    taskId,
    { type: 'user-input', epoch: 0, tenant: TENANT },
    { type: 'claim', tenant: TENANT },
    { ...call, step: 1, tenant: TENANT },
    { ...call, step: 2, tenant: TENANT },
    { ...stopped('loop', 'search with these arguments again'), tenant: TENANT },
  );
  const { halts } = await until('it is listed', async () => {
    const found = await safety(`&tenant=${TENANT}`);
    return found.halts.held === 1 && found;
  });
  expect(halts).toMatchObject({
    groups: [{ name: 'loop', count: 1 }],
    items: [
      {
        ...{ executionId: executionIdOf(taskId), taskId, agent: AGENT, tenant: TENANT },
        ...{ check: 'loop', code: 'loop', reason: 'search with these arguments again' },
        before: [
          { step: 1, name: 'search', input: '{"query":"x"}', error: null },
          { step: 2, name: 'search' },
        ],
      },
    ],
  });
  const [, offset] = /^freshet\.agent-events:\d+:(\d+)$/.exec(halts.items[0]?.position ?? '') ?? [];
  expect(Number(offset)).toBeGreaterThanOrEqual(4);
  const opened = await under.call(`/v1/executions/${executionIdOf(taskId)}`);
  expect(opened.body).toMatchObject({ error: { code: 'loop' }, timeline: [{ step: 1 }, { step: 2 }, {}] });
  expect((await safety(`&tenant=t-${randomUUID()}`)).halts.held).toBe(0);
});

test('what waits for a person is shown with its exact arguments, approved once, and gone', async () => {
  const taskId = `task-${randomUUID()}`;
  const input = { order: 7, note: '<script>alert(1)</script>' };
  const argumentsHash = hashOf(input);
  await under.journal(
    taskId,
    { type: 'user-input', epoch: 0 },
    { type: 'claim' },
    {
      ...{ type: 'checkpoint', step: 2, name: APPROVAL_ASKED, input: JSON.stringify(input) },
      output: JSON.stringify({ tool: 'refund', argumentsHash, until: systemClock() + 3_600_000_000 }),
    },
  );
  const waiting = async () => (await safety()).approvals.filter((each) => each.taskId === taskId);
  const [asked] = await until('it waits', async () => {
    const found = await waiting();
    return found.length > 0 && found;
  });
  expect(asked).toMatchObject({ tool: 'refund', step: 2, arguments: input, argumentsHash, agent: AGENT });
  expect(Date.parse(asked?.deadline ?? '')).toBeGreaterThan(Date.parse(asked?.askedAt ?? ''));
  const decide = (decision: string, hash = argumentsHash) =>
    post(`/v1/tasks/${taskId}/approve`, { step: 2, argumentsHash: hash, decision, reason: 'checked' });
  expect((await decide('approve', hashOf({ ...input, order: 8 }))).status).toBe(404);
  expect(await waiting()).toHaveLength(1);
  expect((await decide('approve')).status).toBe(202);
  expect(await waiting()).toEqual([]);
  expect((await decide('deny')).status).toBe(409);
});

test('what was refused is counted by whom it was refused, intake of this gateway too', async () => {
  const taskId = `task-${randomUUID()}`;
  const error = (code: string) => ({ code, message: `it is ${code}`, retryable: false });
  await under.journal(
    taskId,
    { type: 'user-input', epoch: 0, tenant: TENANT },
    { type: 'claim', tenant: TENANT },
    { type: 'error', step: 1, name: 'refund', tenant: TENANT, error: error('not-allowed') },
    { type: 'error', step: 2, name: 'refund', tenant: TENANT, error: error('not-allowed') },
    { type: 'tool-call', step: 3, name: 'lookup', tenant: TENANT, error: error('forbidden') },
  );
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => under.submit({ agent: AGENT, input: 'Now!', tenant: TENANT })),
  );
  const refused = answers.filter(({ status }) => status === 429).length;
  expect(refused).toBeGreaterThan(0);
  const { refusals } = await until('all are listed', async () => {
    const found = await safety(`&tenant=${TENANT}`);
    return found.refusals.held === 3 && found;
  });
  const of = (by: string) => refusals.items.find((each) => each.by === by);
  expect(of('capability')).toMatchObject({ name: 'refund', count: 2, step: 2, reason: 'it is not-allowed' });
  expect(of('tool')).toMatchObject({ name: 'lookup', code: 'forbidden', executionId: executionIdOf(taskId) });
  expect(of('intake')).toMatchObject({ code: 'too-many-requests', count: refused, executionId: null });
});

test('breakers stand as workers share them, switches are in force at once, and a day’s money has its tenants', async () => {
  for (let failed = 0; failed < 5; failed += 1) await breakers.after('tool:refund', false);
  await breakers.after('model:small', false);
  const opened = await until('it is seen', async () => {
    const found = await safety();
    return found.breakers.some(({ state }) => state === 'open') && found;
  });
  expect(opened.breakersKnown).toBe(true);
  expect(opened.breakers).toMatchObject([
    { kind: 'model', name: 'small', state: 'closed', failures: 1, until: null },
    { kind: 'tool', name: 'refund', state: 'open', failures: null },
  ]);
  expect(Date.parse(opened.breakers[1]?.until ?? '')).toBeGreaterThan(Date.parse(opened.at ?? ''));
  const gauges = async () =>
    String((await under.call('/metrics')).body).match(/^freshet_breaker_state\{.*/gm) ?? [];
  expect(await gauges()).toEqual([
    'freshet_breaker_state{tool="model:small"} 0',
    'freshet_breaker_state{tool="tool:refund"} 2',
  ]);
  // Its time is over, and no call has tried it since.
  const due = JSON.stringify({ state: 'open', until: 1 });
  await redis.use((client) => client.set(breakerKeyOf(GROUP, 'tool:refund'), due));
  expect(await gauges()).toEqual(['freshet_breaker_state{tool="model:small"} 0']);

  const reason = 'runs wild';
  expect((await post(`/v1/agents/${AGENT}/kill`, { tenant: TENANT, reason })).status).toBe(202);
  expect((await safety()).kills).toMatchObject([{ agent: AGENT, tenant: TENANT, by: 'local', reason }]);
  expect((await post(`/v1/agents/${AGENT}/revive`, { tenant: TENANT, reason })).status).toBe(202);
  expect((await safety()).kills).toEqual([]);

  const put = (body: object) =>
    under.call('/v1/budgets', {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  expect((await put({ tenant: TENANT, usdPerDay: '5', reason })).status).toBe(202);
  await ledger.rebuild(dayOf(systemClock()), async () => []);
  const { budgets } = (await under.call('/v1/budgets')).body as { budgets: { name: string }[] };
  expect(budgets.find(({ name }) => name === TENANT)).toMatchObject({
    ...{ of: 'tenant', usdPerDay: '5', from: 'set', spentUsd: '0', remainingUsd: '5' },
  });
});

test('what was changed is on the audit with who, what and why, of a tenant its own alone, and is there after a restart', async () => {
  const reason = `audited ${randomUUID()}`;
  const agent = `/v1/agents/${AGENT}`;
  expect((await post(`${agent}/kill`, { tenant: TENANT, reason })).status).toBe(202);
  expect((await post(`${agent}/revive`, { tenant: TENANT, reason })).status).toBe(202);
  expect((await post(`${agent}/revive`, { reason })).status).toBe(202);
  const audit = async (query: string, gateway = under) =>
    (await gateway.call(`/v1/audit?${query}`)).body as AuditView;
  const both = `target=${AGENT}/${TENANT}&limit=2`;
  const { items } = await until('it is read', async () => {
    const found = await audit(both);
    return found.items[0]?.reason === reason && found;
  });
  const facts = { by: 'local', reason, tenant: TENANT, targets: [`${AGENT}/${TENANT}`], count: 1 };
  expect(items).toMatchObject([
    { action: 'agent revive', ...facts },
    { action: 'agent kill', ...facts },
  ]);
  // What concerns all tenants is for an operator to see.
  expect((await audit(`target=${AGENT}`)).held).toBe(1);
  expect((await audit(`target=${AGENT}&tenant=${TENANT}`)).held).toBe(0);
  expect((await audit(`tenant=t-${randomUUID()}`)).held).toBe(0);
  expect((await under.call('/v1/audit?since=yesterday')).status).toBe(400);
  const { stdout } = await runCommand(addAuditCommands, { gateway: under.gateway.url }, [
    ...['audit', 'list', '--since', '1h', '--action', 'agent', '--target', AGENT],
  ]);
  expect(stdout).toMatch(new RegExp(`local +agent revive +${AGENT} +1 +– +${reason}`));
  const restarted = await startGatewayUnderTest();
  expect(await audit(both, restarted)).toEqual(await audit(both));
  await restarted.close();
});

test('agents in trouble raise alerts, once whichever gateway looks, and their end ends them', async () => {
  const agent = `troubled-${randomUUID().slice(0, 8)}`;
  const tenant = `t-${randomUUID()}`;
  let ahead = 0;
  const open = () =>
    startGatewayUnderTest({
      agents: [defineAgent({ name: agent, version: '1', instructions: 'Answer.' })],
      ...{ budgets: ledger, alertsEveryMs: 200, clock: () => systemClock() + ahead },
      alerts: { minExecutions: 5, failureRate: 0.5, loopRate: 0.5 },
    });
  const gateways = await Promise.all([open(), open()]);
  const [first] = gateways;
  const shown = async () =>
    Promise.all(
      gateways.map(async ({ call }) =>
        ((await call('/v1/freshness')).body as FreshnessReport).alerts
          .filter(({ source }) => source === `agent:${agent}` || source === `tenant:${tenant}`)
          .map(({ kind, severity }) => `${kind} ${severity}`)
          .sort(),
      ),
    );
  try {
    for (const at of [1, 2, 3, 4, 5])
      await first?.journal(
        `task-${randomUUID()}`,
        { type: 'claim', agent },
        { ...stopped(at === 1 ? 'loop' : 'money-cap', 'no more'), agent },
      );
    await first?.call('/v1/budgets', {
      ...{ method: 'PUT', headers: { 'content-type': 'application/json' } },
      body: JSON.stringify({ tenant, usdPerDay: '1' }),
    });
    const at = systemClock();
    await ledger.rebuild(dayOf(at), async () => []);
    const limits = { agentUsd: null, tenantUsd: '1' };
    await ledger.reserve({ costId: randomUUID(), agent, tenant, usd: '0.9', at, limits });
    const both = ['budget-low ticket', 'failing page'];
    await until('both show both', async () => JSON.stringify(await shown()) === JSON.stringify([both, both]));
    expect((await first?.call('/metrics'))?.body).toContain(`source="agent:${agent}",kind="failing"`);
    ahead = 16 * 60_000_000;
    const left = ['budget-low ticket'];
    await until('it has ended', async () => {
      ahead += 61_000_000;
      return JSON.stringify(await shown()) === JSON.stringify([left, left]);
    });
    const states = await alertsOf(`agent:${agent}`);
    expect(states.map(({ state }) => state)).toEqual(['firing', 'ended']);
  } finally {
    await Promise.all(gateways.map(({ close }) => close()));
  }
});

test('the page is told as soon as something has changed, and only then', async () => {
  const open = new AbortController();
  const response = await fetch(`${under.gateway.url}/v1/stream`, { signal: open.signal });
  const told: SafetyView[] = [];
  const reading = (async () => {
    let rest = '';
    for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const blocks = (rest + piece).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const [, data] = /^event: safety\ndata: (.*)$/m.exec(block) ?? [];
        if (data !== undefined) told.push(JSON.parse(data) as SafetyView);
      }
    }
  })().catch(() => undefined);
  await until('it is told once', () => told.length > 0);
  const reason = 'to be seen';
  await post(`/v1/agents/${AGENT}/kill`, { tenant: TENANT, reason });
  const killed = ({ kills }: SafetyView) => kills.some((kill) => kill.reason === reason);
  await until('the switch is told', () => told.some(killed));
  await post(`/v1/agents/${AGENT}/revive`, { tenant: TENANT, reason });
  await until('that it was lifted is told', () => !killed(told.at(-1) as SafetyView));
  const texts = told.map(({ at: _, ...rest }) => JSON.stringify(rest));
  for (const [index, text] of texts.entries()) expect(text).not.toBe(texts[index - 1]);
  open.abort();
  await reading;
});

test('the files of the page are served, under a policy that lets nothing else in', async () => {
  const page = (await under.call('/')).body as string;
  for (const name of [
    'safety-panel.js',
    'safety-switches.js',
    'approval-cards.js',
    'audit-table.js',
    'ask-why.js',
    'safety.css',
  ]) {
    const { status, headers } = await under.call(`/dashboard/${name}`);
    expect([name, status]).toEqual([name, 200]);
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
  }
  expect(page).toContain('id="safety-approvals"');
});
