/** What a comparison in the background came to, of one table, as gauges. */
import type { Metrics } from '../../connectors/telemetry/metrics.ts';
import { DIVERGENCES } from '../../pipelines/reconcile/compare-state.ts';
import type { ReplicaReport } from '../../pipelines/reconcile/reconcile-sources.ts';

/** `at`: microseconds since the Unix epoch. */
type ComparisonMetrics = Pick<
  Metrics,
  'divergentDocuments' | 'unsettledDocuments' | 'comparedRows' | 'comparedTimestamp'
>;

export const measureComparison = (
  metrics: ComparisonMetrics,
  { source, table, index, rows, divergent, unsettled }: ReplicaReport,
  at: number,
): void => {
  for (const divergence of DIVERGENCES)
    metrics.divergentDocuments.set(
      { source, table, divergence },
      divergent.filter((each) => each.divergence === divergence).length,
    );
  metrics.comparedRows.set({ source, table }, Math.max(0, rows - unsettled.length));
  metrics.unsettledDocuments.set({ source, table }, unsettled.length);
  metrics.comparedTimestamp.set({ source, table, index }, at / 1e6);
};

/** Of a table that could not be compared nothing is known: what it came to before would stand for now. */
export const forgetComparison = async (
  metrics: ComparisonMetrics,
  source: string,
  table: string,
): Promise<void> => {
  for (const divergence of DIVERGENCES) metrics.divergentDocuments.remove({ source, table, divergence });
  metrics.unsettledDocuments.remove({ source, table });
  metrics.comparedRows.remove({ source, table });
  for (const { labels } of (await metrics.comparedTimestamp.get()).values)
    if (labels.source === source && labels.table === table) metrics.comparedTimestamp.remove(labels);
};
