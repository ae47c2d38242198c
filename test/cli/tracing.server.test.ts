/** Traces of tasks on real Kafka, taken in by a collector on a real socket: whole, through a kill, below a parent, and none of a replay. */
import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { replayExecution } from '../../agents/replay/replay-execution.ts';
import { startTaskWorker, type TaskWorker } from '../../agents/runtime/task-worker.ts';
import { spanOfResult } from '../../cli/roles/plane-spans.ts';
import { tracesUrlOf } from '../../cli/roles/role-tracing.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import type { Span } from '../../connectors/telemetry/span.ts';
import { openSpanExporter, type SpanExporter } from '../../connectors/telemetry/span-exporter.ts';
import {
  type ExecutionProjection,
  startExecutionProjection,
} from '../../pipelines/project-executions/project-executions.ts';
import { executionIdOf } from '../../schemas/task-identity.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { traceIdOf } from '../../schemas/trace-context.ts';
import { type AgentsStack, eventually, openAgentsStack } from '../agents/agents-stack.ts';
import { workerChildren } from '../agents/worker-children.ts';
import { type CollectedSpan, openTraceCollector, type TraceCollector } from '../support/trace-collector.ts';
import { traced, tracedWorker } from './traced-agent.ts';

const PROGRAM = fileURLToPath(new URL('traced-worker-process.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'freshet-traces-'));
let stack: AgentsStack;
let collector: TraceCollector;
let projection: ExecutionProjection;
let worker: TaskWorker | undefined;
const exporters: SpanExporter[] = [];
/** Where spans of the worker in this process go. */
let record: (span: Span) => void;

const exporterTo = (url: string, counted: { exported: number; dropped: number }, troubles: Error[] = []) => {
  const opened = openSpanExporter({
    ...{ url: tracesUrlOf(url), service: 'freshet.test', instance: 'test', everyMs: 50, timeoutMs: 1_000 },
    onCounted: (outcome, spans) => {
      counted[outcome] += spans;
    },
    onTrouble: (error) => troubles.push(error),
  });
  exporters.push(opened);
  return opened;
};

beforeAll(async () => {
  stack = await openAgentsStack();
  collector = await openTraceCollector();
  const exporter = exporterTo(collector.url, { exported: 0, dropped: 0 });
  record = exporter.record;
  projection = await startExecutionProjection({
    ...{ kafka: stack.kafka, codec: stack.codec, writer: stack.writer },
    onEvent: (event) => {
      const span = event.name === 'result-sent' ? spanOfResult(event) : null;
      if (span) exporter.record(span);
    },
  });
});

afterAll(async () => {
  children?.killAll();
  await worker?.stop(1_000);
  await projection.stop();
  for (const each of exporters) await each.close(1_000);
  await collector.close();
  await stack.close();
  rmSync(folder, { recursive: true, force: true });
});

let children: ReturnType<typeof workerChildren> | undefined;

const startWorker = async (): Promise<TaskWorker> =>
  startTaskWorker({
    ...tracedWorker((span) => record(span)),
    ...{ kafka: stack.kafka, codec: stack.codec, writer: stack.writer, workerName: 'successor' },
  });

const produce = async (input: string, traceparent?: string): Promise<string> => {
  const taskId = `traced-${randomUUID()}`;
  await stack.writer.append([
    {
      ...{ topic: TOPICS.tasks.name, key: taskId },
      value: Buffer.from(JSON.stringify({ agent: 'traced', input, taskId, tenant: 'acme' })),
      ...(traceparent === undefined ? {} : { headers: { traceparent } }),
    },
  ]);
  return taskId;
};

/** All spans of a trace, once the result of its task was sent. */
const wholeTrace = (traceId: string, taskId: string): Promise<readonly CollectedSpan[]> =>
  eventually(
    `the trace of ${taskId}`,
    () => {
      const spans = collector.ofTrace(traceId);
      const names = spans
        .filter(({ attributes }) => attributes['freshet.task.id'] === taskId)
        .map(({ name }) => name);
      return ['process freshet.tasks', 'invoke_agent traced', 'send freshet.results'].every((name) =>
        names.includes(name),
      )
        ? spans
        : undefined;
    },
    200_000,
  );

/** traceparent headers of all records of a topic that stand under a task. */
const headersOf = async (topic: string, taskId: string): Promise<readonly (string | undefined)[]> => {
  const found: (string | undefined)[] = [];
  const executionId = executionIdOf(taskId);
  await scanTopic(stack.kafka, { topic }, ({ key, headers }) => {
    const name = key?.toString('utf8') ?? '';
    if (name === taskId || name.startsWith(executionId)) found.push(headers.traceparent?.toString());
  });
  return found;
};

const named = (spans: readonly CollectedSpan[], name: string): CollectedSpan =>
  spans.find((span) => span.name === name) ?? expect.fail(`no span ${name}`);

/** Every span but those below the given one hangs under another of the trace. */
const expectOneTree = (spans: readonly CollectedSpan[], above: string | null): void => {
  const ids = new Set(spans.map(({ spanId }) => spanId));
  expect(ids.size).toBe(spans.length);
  const tops = spans.filter(({ parentSpanId }) => parentSpanId === null || !ids.has(parentSpanId));
  expect(tops.map(({ name, parentSpanId }) => [name, parentSpanId])).toEqual([
    ['process freshet.tasks', above],
  ]);
};

test('a worker is killed in the middle: its successor’s spans are in the trace of the sender, and one tree with its own', async () => {
  children = workerChildren(PROGRAM, undefined, [collector.url]);
  const first = await children.start('killed');
  const [traceId, above] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')];
  const file = join(folder, 'stall');
  const taskId = await produce(`stall ${file}`, `00-${traceId}-${above}-01`);
  await eventually('the tool', () => (existsSync(`${file}.begun`) ? true : undefined), 200_000);
  await eventually('its first spans', () => (collector.ofTrace(traceId).length >= 2 ? true : undefined));
  await children.kill(first);
  const before = collector.ofTrace(traceId).map(({ name }) => name);
  expect(before).toEqual(expect.arrayContaining(['retrieval documents', 'chat scripted']));
  expect(before).not.toContain('invoke_agent traced');
  writeFileSync(file, '');
  worker = await startWorker();

  const spans = await wholeTrace(traceId, taskId);
  expectOneTree(spans, above);
  const execution = named(spans, 'invoke_agent traced');
  expect(execution.parentSpanId).toBe(named(spans, 'process freshet.tasks').spanId);
  const steps = spans.filter(({ parentSpanId }) => parentSpanId === execution.spanId);
  expect(steps).toHaveLength(spans.length - 2);
  const epochs = new Map(spans.map(({ name, attributes }) => [name, attributes['freshet.execution.epoch']]));
  expect(epochs.get('retrieval documents')).toBe(1);
  expect(epochs.get('execute_tool stall')).toBe(2);
  expect(new Set(steps.map(({ attributes }) => String(attributes['freshet.worker']).split('/')[0]))).toEqual(
    new Set(['killed', 'successor', 'undefined']),
  );
  // Begun by the one, ended by the other.
  for (const step of steps.filter(({ name }) => !name.startsWith('send')))
    expect(execution.start <= step.start && step.end <= execution.end + 1_000_000_000n).toBe(true);

  const carried = `00-${traceId}-${execution.spanId}-01`;
  const { agentEvents, results, costs, taskStates } = TOPICS;
  const journal = await headersOf(agentEvents.name, taskId);
  expect(journal.length).toBeGreaterThan(6);
  expect(new Set(journal)).toEqual(new Set([carried]));
  expect(await headersOf(results.name, taskId)).toEqual([carried]);
  expect(new Set(await headersOf(costs.name, taskId))).toEqual(new Set([carried]));
  for (const header of await headersOf(taskStates.name, taskId)) expect(header).toContain(traceId);
});

test('a sub-task is below the step that handed it over; a task without a trace has one that follows from its execution', async () => {
  const taskId = await produce('share', 'this is no traceparent');
  const traceId = traceIdOf(executionIdOf(taskId));
  const spans = await wholeTrace(traceId, taskId);
  expectOneTree(spans, null);
  const handedOver = named(spans, 'execute_tool ask-traced');
  const child = spans.find(({ parentSpanId }) => parentSpanId === handedOver.spanId);
  expect(child).toMatchObject({
    name: 'process freshet.tasks',
    attributes: { 'freshet.task.id': handedOver.attributes['freshet.subtask.id'] },
  });
  expect(spans.filter(({ name }) => name === 'invoke_agent traced')).toHaveLength(2);
  expect(JSON.stringify(collector.bodies())).not.toContain('say this');
});

test('a sender that does not sample is heard, and a replay tells nothing', async () => {
  const traceId = randomBytes(16).toString('hex');
  const unsampled = await produce('say it', `00-${traceId}-${randomBytes(8).toString('hex')}-00`);
  const sampled = await produce('say it');
  const trace = traceIdOf(executionIdOf(sampled));
  await wholeTrace(trace, sampled);
  await eventually('its result', async () =>
    (await headersOf(TOPICS.results.name, unsampled)).length > 0 ? true : undefined,
  );
  const told = collector.ofTrace(trace).length;
  const [event] = await stack.journalOf(sampled);
  const at = { topic: TOPICS.agentEvents.name, partition: event?.partition ?? 0, offset: event?.offset ?? 0 };
  expect((await replayExecution({ ...stack, agents: [traced], at })).identical).toBe(true);
  // Another task's spans went after: what a replay would have told would be there before them.
  const later = await produce('say it');
  await wholeTrace(traceIdOf(executionIdOf(later)), later);
  expect(collector.ofTrace(trace)).toHaveLength(told);
  expect(collector.ofTrace(traceId)).toEqual([]);
});

test('a collector that is away holds back no task: what is lost is counted, and one warning said', async () => {
  const away = await openTraceCollector();
  await away.close();
  const counted = { exported: 0, dropped: 0 };
  const troubles: Error[] = [];
  ({ record } = exporterTo(away.url, counted, troubles));
  const tasks = await Promise.all(Array.from({ length: 5 }, () => produce('say it')));
  for (const taskId of tasks)
    await eventually(
      'its result',
      async () => ((await headersOf(TOPICS.results.name, taskId)).length > 0 ? true : undefined),
      200_000,
    );
  // Of each task, its own span, that of its execution, and those of its retrieval and its model call.
  await eventually('all are dropped', () => (counted.dropped === 4 * tasks.length ? true : undefined));
  expect(counted.exported).toBe(0);
  expect(troubles).toHaveLength(1);
});
