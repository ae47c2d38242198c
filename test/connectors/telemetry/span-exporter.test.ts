/** The exporter against a collector on a real socket: there, away, and one that never answers. */
import { afterEach, expect, test } from 'vitest';
import type { Span } from '../../../connectors/telemetry/span.ts';
import {
  openSpanExporter,
  type SpanExporter,
  type SpanExporterSettings,
} from '../../../connectors/telemetry/span-exporter.ts';
import { openTraceCollector, type TraceCollector } from '../../support/trace-collector.ts';
import { until } from '../../support/until.ts';

const span = (at: number, over: Partial<Span> = {}): Span => ({
  ...{ name: `span ${at}`, kind: 'client', traceId: '1'.repeat(32) },
  spanId: String(at + 1).padStart(16, '0'),
  ...{ parentSpanId: null, startedAt: 1_700_000_000_123_456, endedAt: 1_700_000_000_223_456 },
  ...{ attributes: {}, failure: null },
  ...over,
});

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

const collector = async (answers?: boolean): Promise<TraceCollector> => {
  const opened = await openTraceCollector(answers);
  open.push(opened);
  return opened;
};

const exporter = (url: string, over: Partial<SpanExporterSettings> = {}) => {
  const counted = { exported: 0, dropped: 0 };
  const troubles: Error[] = [];
  const opened: SpanExporter = openSpanExporter({
    ...{ url: `${url}/v1/traces`, service: 'freshet.test', instance: 'test-1', everyMs: 10 },
    onCounted: (outcome, spans) => {
      counted[outcome] += spans;
    },
    onTrouble: (error) => troubles.push(error),
    ...over,
  });
  open.push({ close: () => opened.close(0) });
  return { ...opened, counted, troubles };
};

test('spans come as they are: times, parent, kind, attributes, and what failed by its code alone', async () => {
  const collected = await collector();
  const { record, counted } = exporter(collected.url, { headers: { authorization: 'Bearer a-token' } });
  record(
    span(0, { attributes: { 'freshet.tenant': 'acme', count: 3, ratio: 0.5, yes: true, all: ['a', 'b'] } }),
  );
  record(span(1, { parentSpanId: span(0).spanId, kind: 'consumer', failure: 'timeout' }));
  await until('both are counted', () => counted.exported === 2);
  const [first, second] = collected.spans();
  expect(first).toEqual({
    ...{ name: 'span 0', traceId: '1'.repeat(32), spanId: '0000000000000001', parentSpanId: null },
    ...{ kind: 3, start: 1_700_000_000_123_456_000n, end: 1_700_000_000_223_456_000n, status: 0 },
    attributes: { 'freshet.tenant': 'acme', count: 3, ratio: 0.5, yes: true, all: ['a', 'b'] },
    service: 'freshet.test',
  });
  expect(second).toMatchObject({
    ...{ parentSpanId: '0000000000000001', kind: 5, status: 2, attributes: { 'error.type': 'timeout' } },
  });
  expect(collected.headers()[0]?.authorization).toBe('Bearer a-token');
});

test('many go in batches, none is lost, and those that wait at the end go then', async () => {
  const collected = await collector();
  const { record, counted, close } = exporter(collected.url, { everyMs: 60_000 });
  for (let at = 0; at < 2_000; at += 1) record(span(at));
  await close(30_000);
  expect(counted).toEqual({ exported: 2_000, dropped: 0 });
  expect(new Set(collected.spans().map(({ spanId }) => spanId)).size).toBe(2_000);
  expect(collected.bodies().length).toBeLessThan(10);
  record(span(2_000));
  expect(counted.dropped).toBe(1);
});

test('a collector that is away: everything is counted as dropped, one warning, and it is tried again', async () => {
  const gone = await openTraceCollector();
  await gone.close();
  const { record, counted, troubles } = exporter(gone.url, { timeoutMs: 100 });
  for (let round = 1; round <= 3; round += 1) {
    record(span(round));
    await until('it is dropped', () => counted.dropped === round);
  }
  expect(counted).toEqual({ exported: 0, dropped: 3 });
  expect(troubles).toHaveLength(1);
});

test('a collector that never answers holds back nobody: the queue has a limit, and the end a bound', async () => {
  const silent = await collector(false);
  const { record, counted, close } = exporter(silent.url, { maxQueue: 100, timeoutMs: 60_000 });
  for (let at = 0; at < 100; at += 1) record(span(at));
  expect(counted.dropped).toBe(0);
  record(span(100));
  expect(counted.dropped).toBe(1);
  const began = performance.now();
  await close(50);
  // Far below the export's own limit.
  expect(performance.now() - began).toBeLessThan(30_000);
  expect(counted.exported).toBe(0);
});
