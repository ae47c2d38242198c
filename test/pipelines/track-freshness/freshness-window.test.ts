import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { STAGES } from '../../../pipelines/track-freshness/change-latency.ts';
import { createFreshnessWindow } from '../../../pipelines/track-freshness/freshness-window.ts';
import type { Timing } from '../../../schemas/records.ts';
import { UNTRACKED } from '../../../schemas/search.ts';
import { makeVersion } from '../../../schemas/version.ts';
import { collectGarbage } from '../../support/collect-garbage.ts';

const NOW = 1_800_000_000_000_000;
const MINUTE = 60_000_000;
const SETTINGS = { targetMs: 1_000, objective: 0.9 };

const timingOf = (over: Partial<Timing> & { readonly gaps?: readonly number[] } = {}): Timing => {
  const { gaps = [0, 0, 0, 0, 0, 0, 0], ...rest } = over;
  const searchableAt = over.searchableAt ?? NOW - 1;
  const times = new Map<string, number>([['searchableAt', searchableAt]]);
  let at = searchableAt;
  for (const [index, stage] of [...STAGES].reverse().entries()) {
    at -= gaps[STAGES.length - 1 - index] ?? 0;
    times.set(stage.from, at);
  }
  return {
    documentId: 'shop/public.articles/1',
    source: 'shop',
    table: 'public.articles',
    version: makeVersion(1, [5n, 6n]),
    kind: 'document',
    outcome: 'applied',
    index: 'index-1',
    clockOffsetMicros: 0,
    basis: 'commit',
    ...(Object.fromEntries(times) as unknown as Pick<Timing, 'searchableAt'>),
    ...rest,
  } as Timing;
};

const windowOf = (timings: readonly Timing[], settings = SETTINGS) => {
  const window = createFreshnessWindow(settings);
  for (const timing of timings) window.add(timing, NOW);
  return window;
};

const naiveQuantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.max(0, Math.ceil(share * sorted.length - 1e-9) - 1)] ?? Number.NaN;

const near = (actual: number | null, micros: number, relative: number): void => {
  expect(actual).not.toBeNull();
  const error = (actual ?? 0) * 1_000 - micros;
  expect(error).toBeGreaterThanOrEqual(-1e-6);
  expect(error).toBeLessThanOrEqual(micros * relative + 1);
};

describe('against a computation without histograms', () => {
  const gap = fc.oneof(fc.nat(2_000), fc.nat(400_000), fc.nat(90_000_000));
  const anyTiming = fc
    .record({
      gaps: fc.array(gap, { minLength: 7, maxLength: 7 }),
      ago: fc.nat(6 * MINUTE),
      source: fc.constantFrom('shop', 'crm'),
      table: fc.constantFrom('public.articles', 'public.products'),
      kind: fc.constantFrom('commit', 'commit', 'commit', 'snapshot', 'superseded', 'floor'),
    })
    .map(({ gaps, ago, source, table, kind }) => ({
      kind,
      total: gaps.reduce((sum, each) => sum + each, 0),
      ago,
      timing: timingOf({
        gaps,
        source,
        table,
        searchableAt: NOW - ago,
        ...(kind === 'snapshot' ? { basis: 'snapshot' as const } : {}),
        ...(kind === 'superseded' ? { outcome: 'superseded' as const } : {}),
        ...(kind === 'floor' ? { kind: 'floor' as const } : {}),
      }),
    }));

  test('percentiles, maxima, counts and the objective agree, whatever the order', () => {
    fc.assert(
      fc.property(fc.array(anyTiming, { maxLength: 200 }), (all) => {
        const report = windowOf(all.map((each) => each.timing)).report(NOW);
        const firstSubWindow = Math.floor(NOW / 5_000_000) - 60 + 1;
        const inWindow = all.filter((each) => Math.floor((NOW - each.ago) / 5_000_000) >= firstSubWindow);
        for (const source of ['shop', 'crm']) {
          const commits = inWindow.filter((each) => each.kind === 'commit' && each.timing.source === source);
          const totals = commits.map((each) => each.total).sort((a, b) => a - b);
          const found = report.sources.find((each) => each.source === source);
          expect(found?.counts.commits ?? 0).toBe(totals.length);
          if (totals.length === 0 || !found) continue;
          near(found.latencyMs.p50, naiveQuantile(totals, 0.5), 0.001);
          near(found.latencyMs.p95, naiveQuantile(totals, 0.95), 0.001);
          near(found.latencyMs.p99, naiveQuantile(totals, 0.99), 0.001);
          near(found.latencyMs['p99.99'], naiveQuantile(totals, 0.9999), 0.001);
          expect(found.latencyMs.max).toBe((totals.at(-1) ?? 0) / 1_000);
          for (const [index, stage] of STAGES.entries()) {
            const micros = commits
              .map(({ timing }) => timing[stage.to] - timing[stage.from])
              .sort((a, b) => a - b);
            near(found.stages[index]?.p50 ?? null, naiveQuantile(micros, 0.5), 0.01);
            near(found.stages[index]?.p99 ?? null, naiveQuantile(micros, 0.99), 0.01);
          }
        }
        // The objective looks back an hour: at all of them.
        const commits = all.filter((each) => each.kind === 'commit');
        const kept = commits.filter((each) => each.total <= SETTINGS.targetMs * 1_000).length;
        expect(report.slo.commits).toBe(commits.length);
        expect(report.slo.share).toBe(commits.length === 0 ? null : kept / commits.length);
        expect(report.counts.snapshot).toBe(inWindow.filter((each) => each.kind === 'snapshot').length);
        expect(report.series.reduce((sum, point) => sum + point.count, 0)).toBe(report.counts.commits);
      }),
      { numRuns: 60 },
    );
  });

  test('differences below zero count as 0, and are counted', () => {
    const capturedAt = NOW - 50_000;
    const report = windowOf([timingOf({ committedAt: NOW + 5_000, capturedAt, searchableAt: NOW })]).report(
      NOW,
    );
    expect(report.latencyMs.max).toBe(0);
    expect(report.counts.clamped).toBe(2);
    expect(report.stages.every((stage) => stage.p50 >= 0)).toBe(true);
  });
});

describe('what is not known is not shown as good', () => {
  test('without commits there are no percentiles and no objective, only the age of the newest change', () => {
    const snapshot = timingOf({ basis: 'snapshot', committedAt: NOW - 10 * MINUTE });
    const report = windowOf([snapshot]).report(NOW);
    expect(report.latencyMs).toEqual({ p50: null, p95: null, p99: null, 'p99.99': null, max: null });
    expect(report.slo).toMatchObject({ commits: 0, share: null, errorBudgetLeft: null });
    expect(Object.values(report.slo.burnRates)).toEqual(Array(7).fill(null));
    expect(report.sources[0]).toMatchObject({
      watermark: { state: 'unknown' },
      stalenessMs: null,
      newestApplied: { ageMs: 600_000 },
    });
  });

  test('rows that an incremental snapshot read stand at positions of the stream, and are no commits; nor are repairs', () => {
    const gaps = [9_000_000, 0, 0, 0, 0, 0, 0];
    const report = windowOf([
      timingOf({ basis: 'snapshot', gaps }),
      timingOf({ basis: 'none', gaps }),
    ]).report(NOW);
    expect(report.counts).toMatchObject({ commits: 0, snapshot: 1, untimed: 1 });
    expect(report.slo.commits).toBe(0);
  });

  test('a stage whose time is unknown is left out, not counted as 0', () => {
    const report = windowOf([timingOf({ embeddedAt: 0, kind: 'deleted' })]).report(NOW);
    expect(report.stages.map((each) => each.stage)).not.toContain('embed');
    expect(report.counts.commits).toBe(1);
  });
});

// Buffers that are free are swept beside the program, at a time of its own: what is held stays held.
const heldMegabytes = (): number => {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 1e6;
};

test('a table that is read for the first time, without commits, costs next to nothing', async () => {
  const before = heldMegabytes();
  const window = createFreshnessWindow(SETTINGS);
  const tables = Array.from({ length: 20 }, (_, at) => `public.table_${at}`);
  for (let at = 0; at < 60; at += 1)
    for (const table of tables)
      window.add(timingOf({ table, basis: 'snapshot', searchableAt: NOW - at * 5_000_000 }), NOW);
  await expect.poll(() => heldMegabytes() - before, { timeout: 20_000 }).toBeLessThan(10);
  expect(window.report(NOW)).toMatchObject({ counts: { snapshot: 1_200 }, latencyMs: { p50: null } });
});

test('what nobody ever asks for does not grow', async () => {
  const window = createFreshnessWindow(SETTINGS);
  const runFor = (from: number, subWindows: number): void => {
    for (let at = from; at < from + subWindows; at += 1) {
      const now = NOW + at * 5_000_000;
      window.add(timingOf({ searchableAt: now }), now);
    }
  };
  runFor(0, 100);
  const before = heldMegabytes();
  runFor(100, 2_000);
  await expect.poll(() => heldMegabytes() - before, { timeout: 20_000 }).toBeLessThan(20);
  expect(window.report(NOW + 2_099 * 5_000_000).counts.commits).toBe(60);
});

test('a source and a table may have the names of what every object has', () => {
  const window = windowOf([timingOf({ source: 'constructor', table: 'toString' })]);
  const covered = { shop: { ...UNTRACKED, heldTables: {} } };
  expect(window.report(NOW, covered).sources).toMatchObject([
    { source: 'constructor', watermark: UNTRACKED, tables: [{ table: 'toString', stalenessMs: null }] },
    { source: 'shop' },
  ]);
});

describe('the window slides', () => {
  test('figures leave after the window, the budget after three days', () => {
    const late = timingOf({ gaps: [5_000_000, 0, 0, 0, 0, 0, 0] });
    const window = windowOf([late, timingOf(), timingOf(), timingOf()]);
    const now = window.report(NOW);
    expect(now.slo.share).toBe(0.75);
    expect(now.slo.burnRates['5m']).toBeCloseTo(2.5);
    expect(now.slo.errorBudgetLeft).toBe(0);
    const later = window.report(NOW + 6 * MINUTE);
    expect(later.latencyMs.p50).toBeNull();
    expect(later.slo.burnRates).toMatchObject({ '5m': null, '1h': expect.closeTo(2.5) });
    expect(window.report(NOW + 73 * 60 * MINUTE).slo.commits).toBe(0);
  });
});
