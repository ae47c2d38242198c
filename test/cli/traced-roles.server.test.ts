/** The four roles as `freshet` starts them, with a collector named in their environment: a task sent over HTTP is one tree of spans from all of them. */
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type RoleProcess, startRole } from '../../cli/start/start-role.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import { changeTopic, TOPICS } from '../../schemas/topics.ts';
import { openKafkaAndCodec } from '../gateway/gateway-under-test.ts';
import { temporaryFolder } from '../support/plane-roles.ts';
import { type CollectedSpan, openTraceCollector, type TraceCollector } from '../support/trace-collector.ts';
import { TRACED } from '../support/traced.config.ts';
import { until } from '../support/until.ts';

const WITHIN = { within: 200_000, every: 50 };
let collector: TraceCollector;
let gateway: RoleProcess;
/** Of every topic of ours, before anything was done. */
const begins = new Map<string, ReadonlyMap<number, number>>();
const died: Error[] = [];
const closings: (() => Promise<unknown>)[] = [];

const start = async (role: string, folder: string, options: Record<string, string> = {}) => {
  const { kafka, schemaRegistry, connect, redis, modelDirectory } = inject('stack');
  const started = await startRole({
    ...{ role, name: `${role}-traced` },
    options: {
      ...{ kafka, registry: `${schemaRegistry}/apis/ccompat/v7`, connect, redis, models: modelDirectory },
      config: fileURLToPath(new URL('../support/traced.config.ts', import.meta.url)),
      data: folder,
      ...options,
    },
    logFolder: folder,
    environment: { ...process.env, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url },
    onExit: (error) => died.push(error),
  });
  closings.push(started.stop);
  return started;
};

const ready = ({ role, url }: RoleProcess) =>
  until(
    `the ${role} role is ready`,
    async () => {
      if (died[0]) throw died[0];
      return (await fetch(`${url}/readyz`)).ok;
    },
    WITHIN,
  );

beforeAll(async () => {
  const { kafka } = await openKafkaAndCodec();
  await kafka.admin.createTopics([...Object.values(TOPICS), changeTopic('memory')]);
  for (const { name } of Object.values(TOPICS)) {
    const offsets = await kafka.admin.offsets(name);
    begins.set(name, new Map(offsets.map(({ partition, latest }) => [partition, latest])));
  }
  await kafka.close();
  collector = await openTraceCollector();
  closings.push(collector.close);
  const folder = await temporaryFolder();
  closings.push(folder.remove);
  // One after the other: each has a bound for its start, and a slow machine has few cores.
  const index = await start('index', folder.path);
  const pipeline = await start('pipeline', folder.path);
  const agents = await start('agents', folder.path, { index: index.url });
  gateway = await start('gateway', folder.path, { index: index.url });
  await Promise.all([index, pipeline, agents, gateway].map(ready));
});
afterAll(async () => {
  for (const close of closings.reverse()) await close();
});

const post = async (path: string, body: object, headers: Record<string, string> = {}) => {
  const response = await fetch(gateway.url + path, {
    ...{ method: 'POST', body: JSON.stringify(body) },
    headers: { 'content-type': 'application/json', ...headers },
  });
  return { status: response.status, body: (await response.json()) as { taskId: string; code: string } };
};

/** A trace that somebody else began, and the header that says so. */
const begin = () => {
  const [traceId, above] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')];
  return { traceId, above, headers: { traceparent: `00-${traceId}-${above}-01` } };
};

/** All spans of a trace once these are among them. */
const traceWith = (traceId: string, ...names: readonly string[]): Promise<readonly CollectedSpan[]> =>
  until(
    `${names.join(', ')} of ${traceId}`,
    () => {
      if (died[0]) throw died[0];
      const spans = collector.ofTrace(traceId);
      return names.every((name) => spans.some((span) => span.name === name)) && spans;
    },
    WITHIN,
  );

interface Branch {
  readonly name: string;
  /** Of the role that sent it. */
  readonly service: string;
  readonly failed: boolean;
  readonly below: readonly Branch[];
}

/** Every span that stands below another, once and in the order of names. */
const treeBelow = (spans: readonly CollectedSpan[], above: string): readonly Branch[] =>
  spans
    .filter(({ parentSpanId }) => parentSpanId === above)
    .map(({ name, service, status, spanId }) => ({
      ...{ name, service, failed: status === 2, below: treeBelow(spans, spanId) },
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));

const branch = (role: string, name: string, below: readonly Branch[] = [], failed = false): Branch => ({
  ...{ name, service: `freshet.${role}`, failed, below },
});
const sizeOf = (branches: readonly Branch[]): number =>
  branches.reduce((size, { below }) => size + 1 + sizeOf(below), 0);

const WHOLE = ['process freshet.tasks', `invoke_agent ${TRACED}`, 'search', 'send freshet.results'];

test('task, execution, its steps and the search below them are one tree, from three roles, below whoever sent it', async () => {
  const { traceId, above, headers } = begin();
  const sent = await post('/v1/tasks', { agent: TRACED, input: 'What is known of the tide?' }, headers);
  expect(sent.status).toBe(202);
  const spans = await traceWith(traceId, ...WHOLE);
  const tree = treeBelow(spans, above);
  const [chat] = spans.filter(({ name }) => name.startsWith('chat '));
  expect(tree).toEqual([
    branch('agents', 'process freshet.tasks', [
      branch('agents', `invoke_agent ${TRACED}`, [
        branch('agents', chat?.name ?? 'chat', []),
        branch('agents', 'retrieval documents', [branch('index', 'search')]),
        branch('pipeline', 'send freshet.results'),
      ]),
    ]),
  ]);
  expect(sizeOf(tree)).toBe(spans.length);
  const named = (name: string) => spans.find((span) => span.name === name) ?? expect.fail(name);
  expect(named('process freshet.tasks').attributes['freshet.task.id']).toBe(sent.body.taskId);
  expect(named(`invoke_agent ${TRACED}`).attributes['freshet.execution.outcome']).toBe('completed');
  expect(named('search').attributes).toMatchObject({ 'freshet.index': 'index-traced', 'freshet.top_k': 2 });
  expect(JSON.stringify(collector.bodies())).not.toContain('tide');
});

test('a search that failed is in the tree too, with the code of its failure, below the step that failed for it', async () => {
  const { traceId, above, headers } = begin();
  const freshness = { after: { source: 'nobody', position: '0/1' } };
  const sent = await post('/v1/tasks', { agent: TRACED, input: 'And of the ebb?', freshness }, headers);
  expect(sent.status).toBe(202);
  const spans = await traceWith(traceId, ...WHOLE);
  const tree = treeBelow(spans, above);
  const retrieval = branch('agents', 'retrieval documents', [branch('index', 'search', [], true)], true);
  const steps = [retrieval, branch('pipeline', 'send freshet.results')];
  const execution = branch('agents', `invoke_agent ${TRACED}`, steps, true);
  expect(tree).toEqual([branch('agents', 'process freshet.tasks', [execution], true)]);
  expect(sizeOf(tree)).toBe(spans.length);
  expect(spans.find(({ name }) => name === 'search')?.attributes).toEqual({
    'gen_ai.operation.name': 'retrieval',
    'freshet.index': 'index-traced',
    'error.type': 'request-invalid',
  });
});

test('one that is asked for over HTTP is below whoever asked; one that nobody traces is not sent', async () => {
  const { traceId, above, headers } = begin();
  const unsampled = randomBytes(16).toString('hex');
  const query = { query: 'the tide', topK: 1 };
  const none = { traceparent: `00-${unsampled}-${above}-00` };
  expect((await post('/v1/search', query, none)).status).toBe(200);
  const wrong = { ...query, freshness: { after: { source: 'nobody', position: '0/1' } } };
  expect(await post('/v1/search', wrong, headers)).toMatchObject({
    status: 400,
    body: { code: 'request-invalid' },
  });
  const [span] = await traceWith(traceId, 'search');
  expect(span).toMatchObject({ parentSpanId: above, service: 'freshet.index', status: 2 });
  expect(collector.ofTrace(unsampled)).toEqual([]);
});

test('every record of every topic that they wrote is a CloudEvent', async () => {
  const tenant = `t-${randomBytes(8).toString('hex')}`;
  for (const action of ['kill', 'revive']) await post(`/v1/tenants/${tenant}/${action}`, {});
  const { kafka } = await openKafkaAndCodec();
  const seen = new Set<string>();
  const wrong: string[] = [];
  for (const [topic, from] of begins) {
    await scanTopic(kafka, { topic, from }, ({ partition, offset, headers }) => {
      seen.add(topic);
      const missing = ['ce_id', 'ce_type', 'ce_source', 'ce_time'].filter((name) => !headers[name]?.length);
      if (missing.length > 0) wrong.push(`${topic}:${partition}:${offset} lacks ${missing.join(', ')}`);
    });
  }
  await kafka.close();
  expect(wrong).toEqual([]);
  const { tasks, agentEvents, taskStates, results, control, audit } = TOPICS;
  for (const { name } of [tasks, agentEvents, taskStates, results, control, audit])
    expect(seen).toContain(name);
});
