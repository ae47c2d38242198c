/** The gateway before a worker, the projection and an index role, all of them real. */
import { randomUUID } from 'node:crypto';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTaskWorker } from '../../agents/runtime/task-worker.ts';
import { SAMPLE_AGENTS } from '../../agents/sample-agents.ts';
import { openIndexClient } from '../../connectors/index-service/index-client.ts';
import { type RoleServer, serveIndex } from '../../connectors/index-service/index-server.ts';
import { openRecordWriter } from '../../connectors/kafka/record-writer.ts';
import { createHashEmbeddingModel } from '../../connectors/models/embedding/hash-embedding-model.ts';
import { createExtractiveModel } from '../../connectors/models/language/extractive-model.ts';
import { createMetrics } from '../../connectors/telemetry/metrics.ts';
import { startIndexRole } from '../../pipelines/apply-index/index-role.ts';
import { chunkOf, deletedMarker, planChunks } from '../../pipelines/index-documents/document-records.ts';
import { startExecutionProjection } from '../../pipelines/project-executions/project-executions.ts';
import { systemClock } from '../../schemas/clock.ts';
import type { Document } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { makeVersion } from '../../schemas/version.ts';
import { temporaryFolder } from '../support/plane-roles.ts';
import { until } from '../support/until.ts';
import {
  type GatewayUnderTest,
  openKafkaAndCodec,
  SOURCE,
  startGatewayUnderTest,
  VERSION,
} from './gateway-under-test.ts';

const TENANT = `acme-${randomUUID()}`;
const DOCUMENT = `${SOURCE}/public.articles/1`;
/** Deleted since. */
const SOLD = `${SOURCE}/public.articles/2`;
const OTHER_TENANT = `${TENANT}-other`;
/** Of that tenant. */
const OTHERS = `${SOURCE}/public.articles/3`;
const model = createHashEmbeddingModel();

let under: GatewayUnderTest;
let indexServer: RoleServer;
const closings: (() => Promise<unknown>)[] = [];

const returns = async (): Promise<Document> => {
  const draft = {
    tenant: TENANT,
    title: 'Returns',
    text: 'Thermostats may be returned within 45 days of delivery.',
    metadata: {},
  };
  const plans = planChunks(draft, [{ start: 0, end: draft.text.length }], model.id);
  const vectors = await model.embed(plans.map(({ text }) => text));
  const committedAt = systemClock();
  return {
    ...draft,
    kind: 'document',
    documentId: DOCUMENT,
    source: SOURCE,
    table: 'public.articles',
    version: VERSION,
    model: model.id,
    chunks: plans.map((plan, at) => chunkOf(plan, vectors[at] ?? new Float32Array(model.dimensions))),
    reason: null,
    flags: [],
    stale: null,
    fingerprint: null,
    carried: {},
    timing: { committedAt, capturedAt: 0, inKafkaAt: 0, gatedAt: 0, embeddedAt: 0, basis: 'commit' },
    change: { topic: `cdc.${SOURCE}`, partition: 0, offset: 0 },
  };
};

const startBehind = () =>
  startGatewayUnderTest({
    index: openIndexClient(indexServer.url),
    agents: SAMPLE_AGENTS,
    localTenant: TENANT,
  });

interface Told {
  readonly state: string;
  readonly executionId: string;
  readonly result: { readonly text: string };
  readonly timeline: readonly { readonly kind: string }[];
  readonly groups: readonly unknown[];
  readonly tasks: readonly { readonly taskId: string; readonly input: string; readonly state: string }[];
  readonly troubles: readonly { readonly part: string }[];
  readonly topics: readonly unknown[];
}

const get = async (path: string, { call } = under): Promise<Told> => (await call(path)).body;

beforeAll(async () => {
  const { kafka, codec } = await openKafkaAndCodec();
  const writer = openRecordWriter(kafka);
  const folder = await temporaryFolder();
  closings.push(folder.remove, kafka.close, writer.close);
  const document = await returns();
  const sold = { ...document, documentId: SOLD };
  const { documentId, source, timing, table, change: position } = sold;
  const change = { table, version: makeVersion(1, [7n, 9n]) };
  const deleted = deletedMarker({ documentId, source, timing, change, position });
  await writer.append(
    [document, sold, deleted, { ...document, documentId: OTHERS, tenant: OTHER_TENANT }].map((record) => ({
      topic: TOPICS.documents.name,
      key: record.documentId,
      value: codec.encode('Document', record),
    })),
  );
  const index = await startIndexRole({
    ...{ kafka, writer, codec, model },
    name: `index-${SOURCE}`,
    timings: false,
    folder: folder.path,
    clock: systemClock,
    sources: [],
    targetMs: 5_000,
    onEvent: () => undefined,
    onFailure: () => undefined,
  });
  closings.push(index.stop);
  const notReady = (): string | null => (index.current() ? null : 'the log');
  indexServer = await serveIndex(index, {
    role: 'index',
    notReady,
    metrics: createMetrics('index').registry,
  });
  closings.push(indexServer.close);
  await until('the index is current', () => notReady() === null);
  const worker = await startTaskWorker({
    ...{ kafka, codec, writer },
    retriever: openIndexClient(indexServer.url),
    models: [createExtractiveModel()],
    agents: SAMPLE_AGENTS,
    workerName: `gateway-test-${randomUUID()}`,
    concurrency: 4,
    localTenant: TENANT,
  });
  closings.push(() => worker.stop(1_000));
  const projection = await startExecutionProjection({ kafka, codec, writer });
  closings.push(projection.stop);
  under = await startBehind();
  closings.push(under.close);
});

afterAll(async () => {
  for (const close of closings.reverse()) await close();
});

test('a question is answered, told step by step, and replayed with the same decisions', async () => {
  const submitted = await under.submit(
    { agent: 'support', input: 'How many days do I have to return a thermostat?' },
    { prefer: 'wait=2', 'idempotency-key': randomUUID() },
  );
  const { taskId } = submitted.body as { taskId: string };
  const task = () => get(`/v1/tasks/${taskId}`);
  await until('it is answered', async () => (await task()).state === 'completed');
  const { executionId, result } = await task();
  expect(result.text).toContain('45 days');

  const execution = await get(`/v1/executions/${executionId}`);
  expect(execution.timeline.map((step) => step.kind)).toEqual(['retrieve', 'model', 'respond']);
  const replay = await under.call(`/v1/executions/${executionId}/replay`, { method: 'POST' });
  expect(replay.body).toMatchObject({ identical: true, outsideCalls: 0 });

  const stream = await (await fetch(`${under.gateway.url}/v1/tasks/${taskId}/events`)).text();
  expect(stream).toContain('event: text');
  expect(stream).toContain('event: result');
  await until(
    'it is counted',
    async () => (await get(`/v1/costs?by=model&tenant=${TENANT}`)).groups.length > 0,
  );

  // A gateway that starts anew knows the same, and a second one beside it too.
  const second = await startBehind();
  expect((await get(`/v1/tasks/${taskId}`, second)).state).toBe('completed');
  await second.close();
});

test('a task produced by hand as JSON, without a key, is seen and answered', async () => {
  const input = `How many days for a return, asks ${randomUUID()}?`;
  await under.put({
    topic: TOPICS.tasks.name,
    key: null,
    value: Buffer.from(JSON.stringify({ agent: 'support', input })),
  });
  const byHand = async () => (await get('/v1/tasks?limit=500')).tasks.find((task) => task.input === input);
  await until('it is answered', async () => (await byHand())?.state === 'completed');
  expect((await byHand())?.taskId).toMatch(/^task-\d+-\d+$/);
});

test('a search is answered by the index, and the way of its document is told', async () => {
  const json = { 'content-type': 'application/json' };
  const body = JSON.stringify({ query: 'return a thermostat' });
  const found = await under.call('/v1/search', { method: 'POST', headers: json, body });
  expect(found.body).toMatchObject({ hits: [{ documentId: DOCUMENT, title: 'Returns' }] });
  const { body: traced } = await under.call(`/v1/documents?id=${encodeURIComponent(DOCUMENT)}`);
  expect(traced).toMatchObject({
    record: { title: 'Returns', chunks: [{ inIndex: true }] },
    versions: [{ version: VERSION, kind: 'document', chunks: 1 }],
  });
  // To another tenant it is as if it were not there (I9).
  const asked = (tenant: string, id = DOCUMENT) =>
    under.call(`/v1/documents?id=${encodeURIComponent(id)}&tenant=${tenant}`);
  const { tenant } = (traced as { readonly record: { readonly tenant: string } }).record;
  expect((await asked(tenant)).body).toEqual(traced);
  expect((await asked('globex')).status).toBe(404);
  // A deleted one names nobody, and is whose it was.
  expect((await asked(tenant, SOLD)).body).toMatchObject({
    record: { kind: 'deleted', tenant: null },
    versions: [{ kind: 'deleted' }, { kind: 'document' }],
  });
  expect((await asked('globex', SOLD)).status).toBe(404);
});

describe('an MCP client', () => {
  let client: Client;
  beforeAll(async () => {
    client = new Client({ name: 'test', version: '1' });
    const transport = new StreamableHTTPClientTransport(new URL('/mcp', under.gateway.url));
    await client.connect(transport as Transport);
    closings.push(() => client.close());
  });
  const tool = async (name: string, input: Record<string, unknown> = {}) => {
    const { isError, structuredContent, content } = await client.callTool({ name, arguments: input });
    const [{ text }] = content as [{ text: string }];
    return { isError, text, told: structuredContent as Record<string, unknown> };
  };

  test('is told what each tool takes and which of them only read', async () => {
    const { tools } = await client.listTools();
    expect(tools.map(({ name, annotations }) => [name, annotations?.readOnlyHint])).toEqual([
      ['search', true],
      ['submit_task', false],
      ['get_task', true],
      ['give_feedback', false],
      ['trace_document', true],
      ['freshness', true],
    ]);
    const [search, submit] = tools;
    expect(search?.inputSchema).toMatchObject({ required: ['query'], additionalProperties: false });
    expect(submit?.inputSchema.properties?.agent).toMatchObject({
      description: expect.stringContaining('support'),
    });
  });

  test('finds documents with their age and the receipt, and their way, of its tenant alone', async () => {
    const { told, text } = await tool('search', { query: 'return a thermostat', topK: 3 });
    expect(told).toMatchObject({ hits: [{ documentId: DOCUMENT, ageMs: expect.any(Number) }], receipt: {} });
    expect(JSON.parse(text)).toEqual(told);
    expect((await tool('search', { query: 'return a thermostat', tenant: 'globex' })).told.hits).toEqual([]);
    expect((await tool('trace_document', { id: DOCUMENT })).told).toMatchObject({
      record: { title: 'Returns' },
    });
    expect(await tool('trace_document', { id: DOCUMENT, tenant: 'globex' })).toMatchObject({
      isError: true,
      told: { code: 'not-found', status: 404 },
    });
    // Where none is named it is the configured one, whatever the route would do.
    expect((await tool('trace_document', { id: OTHERS })).told).toMatchObject({ code: 'not-found' });
    expect((await tool('trace_document', { id: OTHERS, tenant: OTHER_TENANT })).told).toMatchObject({
      documentId: OTHERS,
    });
    expect((await tool('freshness')).told).toMatchObject({ sources: expect.any(Array) });
  });

  test('hands over a task once per key, and gets its result', async () => {
    const asked = {
      ...{ agent: 'support', input: 'How many days do I have to return a thermostat?' },
      ...{ idempotencyKey: randomUUID(), waitSeconds: 2 },
    };
    const { taskId } = (await tool('submit_task', asked)).told;
    expect((await tool('submit_task', asked)).told.taskId).toBe(taskId);
    const { told } = await until('it is answered', async () => {
      const task = await tool('get_task', { taskId });
      return task.told.state === 'completed' && task;
    });
    expect(told).toMatchObject({ result: { text: expect.stringContaining('45 days') }, receipt: {} });
    expect(await tool('get_task', { taskId, tenant: 'globex' })).toMatchObject({
      isError: true,
      told: { code: 'not-found' },
    });
    expect((await tool('give_feedback', { taskId, score: 1, tenant: 'globex' })).told).toMatchObject({
      code: 'not-found',
    });
    expect((await tool('give_feedback', { taskId, score: 1 })).told).toMatchObject({ taskId, score: 1 });
    const { taskId: others } = (await tool('submit_task', { ...asked, tenant: OTHER_TENANT })).told;
    expect((await tool('get_task', { taskId: others })).told).toMatchObject({ code: 'not-found' });
    expect((await tool('get_task', { taskId: others, tenant: OTHER_TENANT })).told.taskId).toBe(others);
  });

  test.each([
    ['an argument it does not take', 'search', { query: 'x', mode: 'words' }, 'request-invalid'],
    ['a value out of its bounds', 'search', { query: 'x', topK: 101 }, 'request-invalid'],
    ['text that does not print', 'search', { query: 'a\u0000b' }, 'request-invalid'],
    ['an agent that is not there', 'submit_task', { agent: 'nobody', input: 'x' }, 'request-invalid'],
    ['half a surrogate pair', 'get_task', { taskId: 'a\ud800' }, 'request-invalid'],
    ['the route itself for an id', 'get_task', { taskId: '.' }, 'request-invalid'],
    ['the route above it for an id', 'get_task', { taskId: '..' }, 'request-invalid'],
    ['a way out of the route', 'get_task', { taskId: '../status' }, 'not-found'],
  ])('%s is refused with the code of the route', async (_, name, input, code) => {
    const { isError, told, text } = await tool(name, input);
    expect([isError, told.code]).toEqual([true, code]);
    expect(text).toMatch(`${code}: `);
  });

  test('what is no call is refused before any tool: other sites, bodies over the limit, batches, sessions', async () => {
    const send = async (body: string, headers = {}) => {
      const all = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
      return (await under.call('/mcp', { method: 'POST', headers: { ...all, ...headers }, body })).status;
    };
    const list = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' });
    expect(await send(list)).toBe(200);
    expect(await send(list, { origin: 'http://127.0.0.1:1' })).toBe(403);
    expect(await send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'x'.repeat(1_100_000) }))).toBe(413);
    expect(await send(`[${list}]`)).toBe(400);
    expect((await under.call('/mcp')).status).toBe(405);
    await expect(client.callTool({ name: 'drop_everything' })).rejects.toThrow('there is no tool');
  });
});

test('an index that does not answer is named in the status, and the rest is told', async () => {
  // A part that a busy machine is late with once is a trouble until it is asked again.
  await until('all answer', async () => (await get('/v1/status')).troubles.length === 0);
  await indexServer.close();
  const status = await until('the index is missed', async () => {
    const told = await get('/v1/status');
    return told.troubles.length > 0 && told;
  });
  expect(status.troubles.map((trouble) => trouble.part)).toEqual(['index']);
  expect(status.topics.length).toBeGreaterThan(5);
});
