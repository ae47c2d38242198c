/** What came without a tenant is the configured one's wherever a list is narrowed to a tenant, as it is for workers; and nobody else's (I9). */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { APPROVAL_ASKED } from '../../schemas/approval-request.ts';
import { hashOf } from '../../schemas/canonical-json.ts';
import { systemClock } from '../../schemas/clock.ts';
import { executionIdOf } from '../../schemas/task-identity.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { until } from '../support/until.ts';
import { AGENT, answered, type GatewayUnderTest, startGatewayUnderTest } from './gateway-under-test.ts';

const LOCAL = `local-${randomUUID()}`;
const DOCUMENT = `shop/t/${randomUUID()}`;
const pending = `task-${randomUUID()}`;
const ended = `task-${randomUUID()}`;
const halted = `task-${randomUUID()}`;
const waiting = `task-${randomUUID()}`;
let under: GatewayUnderTest;
let place: { readonly partition: number; readonly offset: number };

/** As a hand on `kcat` produces it. */
const bare = (taskId: string) => ({
  ...{ topic: TOPICS.tasks.name, key: taskId },
  value: Buffer.from(JSON.stringify({ agent: AGENT, input: 'Whose am I?', taskId })),
});

const begun = { type: 'user-input', epoch: 0 } as const;
const journal = (taskId: string, ...events: Parameters<GatewayUnderTest['journal']>[1][]) =>
  under.journal(
    taskId,
    ...[begun, { type: 'claim' } as const, ...events].map((event) => ({ ...event, tenant: null })),
  );

/** Text, of an answer in lines too. */
const listed = async (path: string, tenant: string, init?: RequestInit): Promise<string> => {
  const url = new URL(under.gateway.url + path);
  url.searchParams.set('tenant', tenant);
  const response = await fetch(url, init);
  expect(response.status).toBe(200);
  return response.text();
};

beforeAll(async () => {
  under = await startGatewayUnderTest({ localTenant: LOCAL });
  const error = (code: string) => ({ code, message: `it is ${code}`, retryable: false });
  await under.put(...[pending, ended, halted, waiting].map(bare));
  const [first] = await journal(
    ended,
    {
      ...{ type: 'tool-call', step: 1, name: 'retrieve' },
      output: JSON.stringify({ chunks: [{ documentId: DOCUMENT, chunk: 0, text: 'x' }] }),
    },
    answered(`As ${DOCUMENT} says.`),
  );
  place = { partition: first?.partition ?? 0, offset: first?.offset ?? 0 };
  await journal(
    halted,
    { type: 'error', step: 1, name: 'refund', error: error('not-allowed') },
    {
      ...{ type: 'response', step: 2, name: 'halted', error: error('loop') },
      output: JSON.stringify({ outcome: 'halted', output: null, partial: null, receipt: null, steps: 1 }),
    },
  );
  const input = { order: 7 };
  await journal(waiting, {
    ...{ type: 'checkpoint', step: 1, name: APPROVAL_ASKED, input: JSON.stringify(input) },
    output: JSON.stringify({
      ...{ tool: 'refund', argumentsHash: hashOf(input), until: systemClock() + 3_600_000_000 },
    }),
  });
  const costId = `${executionIdOf(ended)}:1:1`;
  await under.put({
    ...{ topic: TOPICS.costs.name, key: costId },
    value: under.codec.encode('Cost', {
      ...{ costId, taskId: ended, executionId: executionIdOf(ended), agent: AGENT, tenant: null },
      ...{ feature: null, tool: null, model: 'small', step: 1, inputTokens: 1, outputTokens: 1 },
      ...{ cachedInputTokens: 0, usd: '0.25', priceTable: 'test', settled: true, kind: 'model' },
      ...{ outcome: 'done', at: systemClock() },
    }),
  });
  await until('all is read', async () => {
    const costs = JSON.stringify((await under.call('/v1/costs')).body);
    const safety = JSON.stringify((await under.call(`/v1/safety?agent=${AGENT}`)).body);
    return costs.includes(AGENT) && safety.includes(halted) && safety.includes(waiting);
  });
});
afterAll(async () => under?.close());

test('tasks and executions, in whatever state they are', async () => {
  for (const path of [`/v1/tasks?agent=${AGENT}`, `/v1/executions?agent=${AGENT}`]) {
    const own = await listed(path, LOCAL);
    for (const taskId of [pending, ended, halted, waiting]) expect(own).toContain(taskId);
    expect(await listed(path, 'globex')).not.toContain(AGENT);
  }
  expect((await under.call(`/v1/tasks/${pending}?tenant=${LOCAL}`)).body).toMatchObject({ tenant: LOCAL });
});

test('what waits for a person, what was halted and what was refused', async () => {
  const path = `/v1/safety?agent=${AGENT}`;
  expect(JSON.parse(await listed(path, LOCAL))).toMatchObject({
    approvals: [{ taskId: waiting, tenant: LOCAL }],
    halts: { held: 1, items: [{ taskId: halted, code: 'loop' }] },
    refusals: { held: 1, items: [{ by: 'capability', tenant: LOCAL }] },
  });
  expect(JSON.parse(await listed(path, 'globex'))).toMatchObject({
    approvals: [],
    halts: { held: 0 },
    refusals: { held: 0 },
  });
});

test('what was spent, and by whom', async () => {
  // Others' costs on the shared log may name no tenant either.
  const { groups } = JSON.parse(await listed('/v1/costs?by=agent', LOCAL));
  expect(groups).toContainEqual(expect.objectContaining({ name: AGENT, usd: '0.25' }));
  expect(await listed('/v1/costs?by=agent', 'globex')).not.toContain(AGENT);
  expect(await listed('/v1/costs?by=tenant', LOCAL)).toContain(`"name":"${LOCAL}"`);
});

test('which executions used a document, and the replay of a range', async () => {
  const used = `/v1/executions?used=${encodeURIComponent(DOCUMENT)}&from=${place.partition}:${place.offset}`;
  expect(await listed(used, LOCAL)).toContain(ended);
  expect(await listed(used, 'globex')).not.toContain(ended);
  const range = {
    ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
    body: JSON.stringify({ ...place, toOffset: place.offset }),
  };
  expect(await listed('/v1/replays', LOCAL, range)).toContain(ended);
  expect(await listed('/v1/replays', 'globex', range)).not.toContain(ended);
});
