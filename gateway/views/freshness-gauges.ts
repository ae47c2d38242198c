/** The gauges of freshness, set from a report at the moment they are asked for: what is unknown is absent, not 0. */
import type { Metrics } from '../../connectors/telemetry/metrics.ts';
import type { FreshnessReport } from '../../pipelines/track-freshness/freshness-report.ts';

/** `sources`: those of the configuration, and what else alerts are raised of; anyone who reaches Kafka could write others. */
export const measureFreshness = (
  metrics: Metrics,
  report: FreshnessReport,
  sources: ReadonlySet<string>,
): void => {
  const gauges = [
    metrics.sloErrorBudget,
    metrics.burnRate,
    metrics.watermarkTimestamp,
    metrics.staleness,
    metrics.watermarkKnown,
    metrics.clockOffset,
    metrics.alertsFiring,
  ];
  for (const gauge of gauges) gauge.reset();
  for (const { source, kind, severity } of report.alerts)
    if (sources.has(source)) metrics.alertsFiring.set({ source, kind, severity }, 1);
  for (const { source, slo, watermark, stalenessMs, clock } of report.sources) {
    if (!sources.has(source)) continue;
    metrics.watermarkKnown.set({ source }, watermark.state === 'known' ? 1 : 0);
    if (watermark.committedAt !== null)
      metrics.watermarkTimestamp.set({ source }, watermark.committedAt / 1e6);
    if (stalenessMs !== null) metrics.staleness.set({ source }, stalenessMs / 1_000);
    if (clock) metrics.clockOffset.set({ source }, clock.offsetMs / 1_000);
    if (slo.errorBudgetLeft !== null) metrics.sloErrorBudget.set({ source }, slo.errorBudgetLeft);
    for (const [span, rate] of Object.entries(slo.burnRates))
      if (rate !== null) metrics.burnRate.set({ source, span }, rate);
  }
};
