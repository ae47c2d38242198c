/** The rules for Prometheus name only metrics, labels and buckets that /metrics has. promtool has checked their form and, on made-up series, that they fire. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { createMetrics } from '../../connectors/telemetry/metrics.ts';

interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly labels?: { readonly severity?: string };
  readonly annotations?: Readonly<Record<string, string>>;
}

const groups: readonly { readonly rules: readonly Rule[] }[] = parse(
  readFileSync(new URL('../../deploy/prometheus/freshet-rules.yml', import.meta.url), 'utf8'),
).groups;
const rules = groups.flatMap((group) => group.rules);
const recorded = new Set(rules.flatMap(({ record }) => record ?? []));

const METRIC = /(?<![\w:])(?:source:)?freshet_[\w:]+/g;
const SELECTOR = /(freshet_\w+)\{([^}]*)\}/g;

const published = async (): Promise<ReadonlyMap<string, ReadonlySet<string>>> => {
  const metrics = createMetrics('gateway');
  const definitions = (await metrics.registry.json()) as unknown as { name: string; type: string }[];
  const names = new Map<string, ReadonlySet<string>>();
  const labelsOf = new Map(
    Object.values(metrics).flatMap((metric) =>
      'labelNames' in metric ? [[String(Reflect.get(metric, 'name')), metric.labelNames as string[]]] : [],
    ),
  );
  for (const { name, type } of definitions) {
    const labels = new Set(labelsOf.get(name) ?? []);
    names.set(name, labels);
    if (type !== 'histogram') continue;
    for (const part of ['count', 'sum']) names.set(`${name}_${part}`, labels);
    names.set(`${name}_bucket`, new Set([...labels, 'le']));
  }
  return names;
};

test('every metric, label and bucket of a rule is there', async () => {
  const names = await published();
  const text = await (async () => {
    const metrics = createMetrics('gateway');
    metrics.freshnessSeconds.observe({ source: 'shop' }, 1);
    return metrics.registry.text();
  })();
  expect(rules.length).toBeGreaterThan(15);
  for (const { expr } of rules) {
    const used = expr.match(METRIC) ?? [];
    expect(used.length).toBeGreaterThan(0);
    for (const name of used) expect(names.has(name) || recorded.has(name), name).toBe(true);
    for (const [, name = '', selector = ''] of expr.matchAll(SELECTOR)) {
      for (const [, label = '', value = ''] of selector.matchAll(/(\w+)="([^"]*)"/g)) {
        expect(names.get(name)?.has(label), `${name}{${label}}`).toBe(true);
        if (label === 'le') expect(text).toContain(`le="${value}"`);
      }
    }
  }
});

test('every alert says how urgent it is, what it means and where to read on', () => {
  for (const { alert, labels, annotations } of rules.filter((rule) => rule.alert !== undefined)) {
    expect(['page', 'ticket'], alert).toContain(labels?.severity);
    expect(annotations?.summary, alert).toMatch(/\$labels\.source/);
    expect(annotations?.runbook, alert).toMatch(/^docs\/freshness\.md#/);
  }
});
