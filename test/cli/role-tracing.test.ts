/** Which collector a role speaks to: of the environment, of the configuration, or none. */
import { afterEach, expect, test } from 'vitest';
import { openRoleTracing, tracesUrlOf } from '../../cli/roles/role-tracing.ts';
import { createMetrics } from '../../connectors/telemetry/metrics.ts';
import type { SpanExporter } from '../../connectors/telemetry/span-exporter.ts';
import { defineConfig } from '../../schemas/config.ts';
import { openTraceCollector, type TraceCollector } from '../support/trace-collector.ts';

const opened: (SpanExporter | TraceCollector)[] = [];
afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each.close();
});

const open = async (otlpEndpoint: string, endpoint?: string) => {
  const metrics = createMetrics('agents');
  const config = defineConfig({ sources: {}, agents: [], ...(endpoint ? { telemetry: { endpoint } } : {}) });
  const of = { role: 'agents', name: 'agents-1', otlpEndpoint, config, metrics, warn: () => undefined };
  const tracing = await openRoleTracing(of);
  if (tracing) opened.push(tracing);
  return { tracing, metrics };
};

test('nobody asks for spans: there is nothing that would make them', async () => {
  expect((await open('')).tracing).toBeNull();
});

test('the environment comes before the configuration, and what became of spans is a metric', async () => {
  const [named, configured] = [await openTraceCollector(), await openTraceCollector()];
  opened.push(named, configured);
  const { tracing, metrics } = await open(`${named.url}/`, configured.url);
  tracing?.record({
    ...{ name: 'a span', kind: 'internal', traceId: '1'.repeat(32), spanId: '2'.repeat(16) },
    ...{ parentSpanId: null, startedAt: 1, endedAt: 2, attributes: {}, failure: null },
  });
  await tracing?.close(30_000);
  expect(named.spans()).toMatchObject([{ name: 'a span', service: 'freshet.agents' }]);
  expect(configured.spans()).toEqual([]);
  expect(await metrics.registry.text()).toContain('freshet_spans_total{outcome="exported"} 1');
});

test('an endpoint that is none is said at the start', () => {
  expect(() => tracesUrlOf('collector:4318')).toThrow(/OTEL_EXPORTER_OTLP_ENDPOINT is collector:4318/);
  expect(tracesUrlOf('https://collector.example/otlp/')).toBe('https://collector.example/otlp/v1/traces');
});
