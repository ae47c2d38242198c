/** Counts and histograms of the changes of one table in one sub-window, and of any number of them together. Pure. */
import { type ChangeLatency, STAGES, type StageName } from './change-latency.ts';
import type { LatencyReport, StageReport, WindowReport } from './freshness-report.ts';
import { createLatencyHistogram, type LatencyHistogram } from './latency-histogram.ts';

export interface WindowFigures {
  add(latency: ChangeLatency): void;
  merge(other: WindowFigures): void;
  total(): LatencyHistogram;
  report(): WindowReport;
}

type Counts = { -readonly [Key in keyof WindowReport['counts']]: number };

interface Inner extends WindowFigures {
  readonly counts: Counts;
  readonly stages: ReadonlyMap<StageName, LatencyHistogram>;
}

const COUNT_OF_KIND = {
  commit: 'commits',
  snapshot: 'snapshot',
  superseded: 'superseded',
  floor: 'floors',
  untimed: 'untimed',
} as const;

/** Nobody records in it. */
const NONE = createLatencyHistogram();

/** Milliseconds with the three decimals that microseconds give. */
export const toMs = (micros: number | null): number | null => (micros === null ? null : micros / 1_000);

export const latencyReport = (histogram: LatencyHistogram): LatencyReport => ({
  p50: toMs(histogram.quantile(0.5)),
  p95: toMs(histogram.quantile(0.95)),
  p99: toMs(histogram.quantile(0.99)),
  'p99.99': toMs(histogram.quantile(0.9999)),
  max: toMs(histogram.max()),
});

export const createWindowFigures = (): WindowFigures => {
  const counts: Counts = { commits: 0, snapshot: 0, superseded: 0, floors: 0, untimed: 0, clamped: 0 };
  // Made with the first commit: it is 32 KB, and of a table whose rows are read for the first time there is none.
  let total: LatencyHistogram | undefined;
  const stages = new Map<StageName, LatencyHistogram>();
  const stageOf = (name: StageName): LatencyHistogram => {
    const known = stages.get(name);
    if (known) return known;
    const histogram = createLatencyHistogram(2);
    stages.set(name, histogram);
    return histogram;
  };

  const figures: Inner = {
    counts,
    stages,
    total: () => total ?? NONE,
    add: (latency) => {
      counts[COUNT_OF_KIND[latency.kind]] += 1;
      counts.clamped += latency.clamped;
      if (latency.kind !== 'commit') return;
      total ??= createLatencyHistogram();
      total.record(latency.totalMicros);
      for (const { name } of STAGES) {
        const micros = latency.stages[name];
        if (micros !== undefined) stageOf(name).record(micros);
      }
    },
    merge: (other) => {
      const from = other as Inner;
      for (const key of Object.keys(counts) as (keyof Counts)[]) counts[key] += from.counts[key];
      if (from.total().count() > 0) {
        total ??= createLatencyHistogram();
        total.merge(from.total());
      }
      for (const [name, histogram] of from.stages) stageOf(name).merge(histogram);
    },
    report: () => {
      const stageReports = STAGES.flatMap(({ name }) => {
        const histogram = stages.get(name);
        if (!histogram || histogram.count() === 0) return [];
        const at = (share: number): number => toMs(histogram.quantile(share)) ?? 0;
        return [{ stage: name, count: histogram.count(), p50: at(0.5), p99: at(0.99) }];
      });
      const slowest = stageReports.reduce<StageReport | null>(
        (worst, each) => (!worst || each.p50 > worst.p50 ? each : worst),
        null,
      );
      return {
        counts: { ...counts },
        latencyMs: latencyReport(figures.total()),
        stages: stageReports,
        slowestStage: slowest?.stage ?? null,
      };
    },
  };
  return figures;
};
