/** What probe rows say of the last minutes: how long they took to be found, and how many were not. Pure; time is an argument. */
import type { WatermarkPoint } from '../../schemas/records.ts';
import type { ProbeReport } from './freshness-report.ts';
import { createLatencyHistogram } from './latency-histogram.ts';
import { createServiceLevel, type Objective } from './service-level.ts';
import { latencyReport, toMs } from './window-figures.ts';

type Probe = NonNullable<WatermarkPoint['probe']>;

export interface ProbeWindow {
  /** The same probe comes with many points and counts once. */
  add(probe: Probe): void;
  /** Null without probes. */
  report(now: number): ProbeReport | null;
}

/** When its outcome was known: a miss counts where it was written. */
const endedAt = (probe: Probe): number => probe.foundAt || probe.committedAt;

/** Microseconds from commit to found; null where it was not. */
export const probeLatency = (probe: Probe): number | null =>
  probe.foundAt > 0 ? Math.max(0, probe.foundAt - probe.committedAt) : null;

export const createProbeWindow = ({ targetMs, objective }: Objective, windowMs = 5 * 60_000): ProbeWindow => {
  const slo = createServiceLevel();
  let probes: readonly Probe[] = [];
  return {
    add: (probe) => {
      const last = probes.at(-1);
      if (last && probe.committedAt <= last.committedAt) return;
      probes = [...probes.filter((each) => endedAt(each) > endedAt(probe) - windowMs * 1_000), probe];
      const latency = probeLatency(probe);
      slo.add(endedAt(probe), latency !== null && latency <= targetMs * 1_000);
    },
    report: (now) => {
      const last = probes.at(-1);
      if (!last) return null;
      const kept = probes.filter((each) => endedAt(each) > now - windowMs * 1_000);
      const histogram = createLatencyHistogram(3);
      for (const latency of kept.map(probeLatency)) if (latency !== null) histogram.record(latency);
      return {
        at: new Date(last.committedAt / 1_000).toISOString(),
        found: histogram.count(),
        missed: kept.length - histogram.count(),
        lastMs: toMs(probeLatency(last)),
        latencyMs: latencyReport(histogram),
        slo: slo.report(now, objective),
      };
    },
  };
};
