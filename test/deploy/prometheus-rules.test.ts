/** The rules for Prometheus name only metrics, labels and values that /metrics has. promtool has checked their form and, on made-up series as versions 2 and 3 name them, that they fire. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { createMetrics } from '../../connectors/telemetry/metrics.ts';
import { LOOP_CODES } from '../../gateway/read-models/agent-metrics.ts';
import { createLiveMetrics } from '../../gateway/read-models/live-metrics.ts';
import { measureFreshness } from '../../gateway/views/freshness-gauges.ts';
import { measureShares } from '../../gateway/views/rollout-view.ts';
import { BURN_RULES } from '../../pipelines/track-freshness/alert-conditions.ts';
import type { FreshnessReport } from '../../pipelines/track-freshness/freshness-report.ts';
import { ALERT_POLICY_SCHEMA } from '../../schemas/alert-policy.ts';
import type { ControlView } from '../../schemas/control-view.ts';
import type { Alert } from '../../schemas/records.ts';

interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly for?: string;
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
const MATCHER = /(\w+)(=~?)"([^"]*)"/g;

/** What /metrics says once a change came, a probe was missed, executions ended in each way, an alert of each urgency fires and a version is tried. */
const textOf = async (): Promise<string> => {
  const metrics = createMetrics('gateway');
  createLiveMetrics(metrics, [], ['shop']);
  for (const outcome of ['completed', 'failed', 'halted']) metrics.tasks.inc({ agent: 'support', outcome });
  for (const reason of LOOP_CODES) metrics.loopHalts.inc({ agent: 'support', reason });
  metrics.freshnessSeconds.observe({ source: 'shop' }, 1);
  const alerts = BURN_RULES.map((rule) => ({ ...rule, source: 'shop' }) as unknown as Alert);
  measureFreshness(metrics, { alerts, sources: [] } as unknown as FreshnessReport, new Set(['shop']));
  const rollout = { agent: 'support', began: 1, stable: '1', candidate: '2', share: 0.1, state: 'canary' };
  const signal = { kind: 'behaviour', rollout, by: 'ann', reason: null, at: 1 } as ReturnType<
    ControlView['rolloutOf']
  >;
  measureShares(metrics, { rolloutOf: () => signal }, [
    { name: 'support', version: '1', instructions: 'Answer.' },
  ]);
  return metrics.registry.text();
};

/** Values of a label as Prometheus keeps them: version 3 makes a bucket's bound a float. */
const valuesOf = (text: string, metric: string, label: string): readonly string[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith(`${metric}{`))
    .flatMap((line) =>
      [...line.matchAll(MATCHER)].flatMap(([, name, , value = '']) => (name === label ? value : [])),
    );
const inVersion3 = (value: string): string => (/^\d+$/.test(value) ? `${value}.0` : value);

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

test('every metric, label and value of a rule is there, for Prometheus 2 and 3', async () => {
  const names = await published();
  const text = await textOf();
  expect(rules.length).toBeGreaterThan(15);
  for (const { expr } of rules) {
    const used = expr.match(METRIC) ?? [];
    expect(used.length).toBeGreaterThan(0);
    for (const name of used) expect(names.has(name) || recorded.has(name), name).toBe(true);
    for (const [, name = '', selector = ''] of expr.matchAll(SELECTOR)) {
      for (const [matcher, label = '', operator = '', value = ''] of selector.matchAll(MATCHER)) {
        expect(names.get(name)?.has(label), `${name}{${label}}`).toBe(true);
        const matches = (found: string): boolean =>
          operator === '=' ? found === value : new RegExp(`^(?:${value})$`).test(found);
        const found = valuesOf(text, name, label);
        expect(found.filter(matches), `${name}{${matcher}}`).not.toEqual([]);
        if (label === 'le') expect(found.map(inVersion3).filter(matches), matcher).toHaveLength(1);
      }
    }
  }
});

test('what every gateway counts is what one of them says, not the sum of them', () => {
  const COUNTS = /by \(([^)]*)\) \(increase\(freshet_(?:tasks|loop_halts|freshness_seconds)_/g;
  const counts = rules.flatMap(({ alert, expr }) =>
    [...expr.matchAll(COUNTS)].map(([, labels = '']) => ({ alert, labels })),
  );
  expect(counts).toHaveLength(14);
  for (const { alert, labels } of counts) expect(labels, alert).toContain('instance');
});

test('money is held against its limit, not against what was left before it was lowered', () => {
  const { expr = '' } = rules.find(({ alert }) => alert === 'FreshetBudgetLow') ?? {};
  const share = 1 - ALERT_POLICY_SCHEMA.parse({}).budgetShare;
  expect(expr).toContain(`freshet_budget_remaining_usd <= ${share.toFixed(1)} * freshet_budget_limit_usd`);
  // Of a limit of nothing there is nothing left, for ever.
  expect(expr).toContain('and freshet_budget_limit_usd > 0');
});

test('every alert says how urgent it is, what it means and where to read on', () => {
  for (const { alert, labels, annotations } of rules.filter((rule) => rule.alert !== undefined)) {
    expect(['page', 'ticket'], alert).toContain(labels?.severity);
    expect(annotations?.summary, alert).toMatch(/\$labels\.(?:source|agent|tool)/);
    const [, file = '', title] = /^(docs\/\w+\.md)#([\w-]+)$/.exec(annotations?.runbook ?? '') ?? [];
    const text = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8').toLowerCase();
    expect(text, alert).toContain(`\n## ${title?.replaceAll('-', ' ')}\n`);
  }
});

test('burn rates are those that Freshet raises alerts by', () => {
  for (const { kind, long, short, rate, severity } of BURN_RULES) {
    const rule = rules.find(({ alert }) => alert === `FreshetFreshnessBurn${kind.slice('burn-'.length)}`);
    expect(rule?.labels?.severity, kind).toBe(severity);
    for (const span of [long, short])
      expect(rule?.expr).toContain(`source:freshet_late_ratio:rate${span} > ${rate} * 0.0001`);
  }
});

test('rates of agents are those of the default policy', () => {
  const { windowMs, minExecutions, failureRate, loopRate, breakerOpenMs } = ALERT_POLICY_SCHEMA.parse({});
  const ruleOf = (name: string) => rules.find(({ alert }) => alert === name);
  for (const [name, rate] of [
    ['FreshetAgentFailing', failureRate],
    ['FreshetAgentLooping', loopRate],
  ] as const)
    for (const part of [`[${windowMs / 60_000}m]`, `>= ${rate}`, `>= ${minExecutions}`])
      expect(ruleOf(name)?.expr, name).toContain(part);
  const reasons = /reason=~"([^"]*)"/.exec(ruleOf('FreshetAgentLooping')?.expr ?? '')?.[1]?.split('|');
  expect(new Set(reasons)).toEqual(LOOP_CODES);
  expect(ruleOf('FreshetBreakerOpen')?.for).toBe(`${breakerOpenMs / 60_000}m`);
});
