import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freshnessSchema } from '../../gateway/routes/freshness-routes.ts';
import { executionDetailSchema, taskSchema } from '../../gateway/views/execution-view.ts';
import { systemClock } from '../../schemas/clock.ts';
import { executionIdOf } from '../../schemas/task-identity.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { auditOf } from '../support/audit-of.ts';
import { until } from '../support/until.ts';
import {
  AGENT,
  answered,
  type GatewayUnderTest,
  SOURCE,
  startGatewayUnderTest,
  VERSION,
} from './gateway-under-test.ts';
import { RECEIPT } from './index-peer.ts';

let under: GatewayUnderTest;
let taskId: string;
/** Of the task's events in the journal, topic:partition:offset. */
let places: readonly string[];

const timing = (source: string) => {
  const now = systemClock();
  const at = (ago: number): number => now - ago;
  return under.codec.encode('Timing', {
    documentId: `${source}/public.articles/1`,
    source,
    table: 'public.articles',
    version: VERSION,
    kind: 'document',
    outcome: 'applied',
    index: 'index-1',
    committedAt: at(80_000),
    capturedAt: at(60_000),
    inKafkaAt: at(50_000),
    gatedAt: at(40_000),
    embeddedAt: at(30_000),
    appendedAt: at(20_000),
    appliedAt: at(10_000),
    searchableAt: now,
    clockOffsetMicros: 0,
    basis: 'commit',
  });
};

beforeAll(async () => {
  under = await startGatewayUnderTest();
  ({ taskId } = (await under.submit({ agent: AGENT, input: 'How?', feature: 'help' })).body as {
    taskId: string;
  });
  const hits = [
    {
      documentId: 'shop/t/1',
      chunk: 0,
      title: 'T',
      text: 'So.',
      score: 0.9,
      metadata: {},
      version: VERSION,
      ageMs: 5,
    },
  ];
  const journaled = await under.journal(
    taskId,
    { type: 'user-input', epoch: 0 },
    { type: 'claim' },
    {
      type: 'tool-call',
      step: 1,
      name: 'retrieve',
      input: '{"query":"How?","topK":2}',
      output: JSON.stringify({ hits, receipt: RECEIPT }),
    },
    { type: 'intent', step: 2, name: 'm', reservedUsd: '0.5' },
    {
      type: 'error',
      step: 2,
      name: 'm',
      error: { code: 'model-failed', message: 'down', retryable: true },
      costUsd: '0',
    },
    { type: 'intent', step: 3, name: 'm', reservedUsd: '0.5' },
    {
      type: 'llm-response',
      step: 3,
      name: 'm',
      output: '{"text":"So. [1]"}',
      costUsd: '0.02',
      usage: { inputTokens: 10, outputTokens: 3, cachedInputTokens: 0 },
    },
    { type: 'tool-call', step: 4, name: 'late', worker: 'zombie', sequence: 9 },
    { ...answered('So. [1]'), step: 4, sequence: 6 },
  );
  places = journaled.map(({ partition, offset }) => `freshet.agent-events:${partition}:${offset}`);
  await under.put({ topic: TOPICS.freshness.name, key: 'a', value: timing(SOURCE) });
  await until(
    'the task has ended',
    async () => ((await under.call(`/v1/tasks/${taskId}`)).body as { state: string }).state === 'completed',
  );
  await until('the commit is counted', async () => {
    const { sources } = freshnessSchema.parse((await under.call('/v1/freshness')).body);
    return sources.find(({ source }) => source === SOURCE)?.counts.commits === 1;
  });
});
afterAll(() => under?.close());

test('answers are what the contract says', async () => {
  taskSchema.strict().parse((await under.call(`/v1/tasks/${taskId}`)).body);
  freshnessSchema.strict().parse((await under.call('/v1/freshness')).body);
  executionDetailSchema.strict().parse((await under.call(`/v1/executions/${executionIdOf(taskId)}`)).body);
});

test('an execution is told step by step, retries, citations, costs and places included', async () => {
  const { body } = await under.call(`/v1/executions/${executionIdOf(taskId)}`);
  const { timeline, stale, costUsd, position } = executionDetailSchema.parse(body);
  expect(timeline.map(({ step, kind, state, retries }) => [step, kind, state, retries])).toEqual([
    [1, 'retrieve', 'done', 0],
    [2, 'model', 'failed', 0],
    [3, 'model', 'done', 1],
    [4, 'respond', 'done', 0],
  ]);
  expect(timeline[0]?.cited).toMatchObject([{ documentId: 'shop/t/1', ageMs: 5, text: 'So.' }]);
  expect(timeline[3]?.cited).toMatchObject([{ documentId: 'shop/t/1', title: 'T' }]);
  expect(timeline[2]).toMatchObject({ costUsd: '0.02', reservedUsd: '0.5', usage: { inputTokens: 10 } });
  expect(timeline[2]?.events.map((event) => event.position)).toEqual([places[5], places[6]]);
  expect(stale).toMatchObject([{ worker: 'zombie', counts: false }]);
  expect([costUsd, position]).toEqual(['0.02', places[0]]);
  expect((await under.call(`/v1/executions?agent=${AGENT}&limit=5`)).body).toMatchObject({
    executions: [{ taskId }],
  });
  expect((await under.call(`/v1/executions?agent=${AGENT}-other`)).body).toEqual({ executions: [] });
});

test('every route stands in the OpenAPI document, with its errors as problems', async () => {
  const { body } = await under.call('/openapi.json');
  const { openapi, paths } = body as {
    openapi: string;
    paths: Record<string, Record<string, { responses: Record<string, unknown> }>>;
  };
  expect(openapi).toBe('3.1.0');
  for (const path of [
    '/v1/tasks',
    '/v1/tasks/{taskId}',
    '/v1/tasks/{taskId}/events',
    '/v1/search',
    '/v1/freshness',
    '/v1/executions',
    '/v1/executions/{executionId}',
    '/v1/executions/{executionId}/replay',
    '/v1/documents',
    '/v1/dead-letters',
    '/v1/quarantine',
    '/v1/costs',
    '/v1/status',
    '/v1/index/rebuild',
    '/v1/index/verify',
  ])
    expect(Object.keys(paths)).toContain(path);
  expect(paths['/v1/tasks']?.post?.responses).toHaveProperty('409');
  expect(paths['/v1/tasks']?.post?.responses).toHaveProperty('413');
});

test('the topics stand in the AsyncAPI document, those of the configured sources too', async () => {
  const { body } = await under.call('/asyncapi.json');
  const { asyncapi, channels } = body as { asyncapi: string; channels: Record<string, { address: string }> };
  expect(asyncapi).toBe('3.0.0');
  expect(Object.values(channels).map(({ address }) => address)).toEqual(
    expect.arrayContaining([TOPICS.tasks.name, `cdc.${SOURCE}`]),
  );
});

test('metrics count what came after the start, with labels from closed sets', async () => {
  const stranger = `task-${randomUUID()}`;
  await under.put({ topic: TOPICS.freshness.name, key: 'b', value: timing(stranger) });
  await until('the timing of a source that is not configured', async () =>
    String((await under.call('/metrics')).body).includes('source="unknown"'),
  );
  const text = String((await under.call('/metrics')).body);
  expect(text).toContain(`freshet_tasks_total{agent="${AGENT}",outcome="completed"} 1`);
  expect(text).toContain(`freshet_freshness_seconds_count{source="${SOURCE}"} 1`);
  expect(text).not.toContain(stranger);
  const second = await startGatewayUnderTest();
  const after = String((await second.call('/metrics')).body);
  await second.close();
  expect(after).not.toContain('freshet_tasks_total{');
  expect(after).not.toContain('freshet_freshness_seconds_count{');
});

test('readiness, liveness and the progress of a rebuild', async () => {
  expect((await under.call('/healthz')).body).toMatchObject({ ok: true });
  expect((await under.call('/readyz')).body).toMatchObject({ ready: true });
  const response = await fetch(`${under.gateway.url}/v1/index/rebuild`, { method: 'POST' });
  const lines = (await response.text())
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { done: boolean });
  expect(lines.map((line) => line.done)).toEqual([false, true]);
  const reason = `it is asked for by ${SOURCE}`;
  const asked = (body: object) =>
    fetch(`${under.gateway.url}/v1/index/rebuild`, {
      ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
      body: JSON.stringify(body),
    }).then(async (answer) => JSON.parse((await answer.text()).trim().split('\n').at(-1) ?? '') as unknown);
  const audits = async () =>
    (await auditOf('the index of freshet.documents')).filter((audit) => audit.reason === reason);
  expect(await asked({ reason, dryRun: true })).toEqual({ done: true, dryRun: true, records: 0, of: 0 });
  expect(await audits()).toEqual([]);
  expect(await asked({ reason })).toEqual({ done: true, records: 2, of: 2 });
  expect(await audits()).toMatchObject([{ action: 'index rebuild', by: 'local' }]);
  expect((await under.call('/v1/status')).body).toMatchObject({
    ready: true,
    localTenant: 'acme',
    troubles: [],
  });
});

describe('the page', () => {
  const folder = new URL('../../gateway/dashboard/', import.meta.url);
  const files = readdirSync(folder);

  test('attack 3: comes under a strict policy, and nothing is fetched from elsewhere', async () => {
    const { headers, status } = await under.call('/');
    expect(status).toBe(200);
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain('unsafe');
    for (const name of files) {
      const text = readFileSync(new URL(name, folder), 'utf8');
      expect(text.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:\/\//);
    }
  });

  test('attack 3: what comes from records becomes text, never markup', () => {
    for (const name of files.filter((each) => each.endsWith('.js'))) {
      const text = readFileSync(new URL(name, folder), 'utf8');
      expect(text).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|srcdoc/);
    }
    expect(readFileSync(new URL('index.html', folder), 'utf8')).not.toMatch(
      /<script(?![^>]*src=)|style=|\son\w+=/,
    );
  });

  test('every file of it is served', async () => {
    for (const name of files.filter((each) => each !== 'index.html'))
      expect((await under.call(`/dashboard/${name}`)).status).toBe(200);
  });
});
