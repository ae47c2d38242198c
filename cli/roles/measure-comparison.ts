/** What a comparison in the background came to, of one table, as gauges. */
import type { Metrics } from '../../connectors/telemetry/metrics.ts';
import { DIVERGENCES } from '../../pipelines/reconcile/compare-state.ts';
import type { ReplicaReport } from '../../pipelines/reconcile/reconcile-sources.ts';

/** `at`: microseconds since the Unix epoch. */
export const measureComparison = (
  metrics: Pick<Metrics, 'divergentDocuments' | 'unsettledDocuments' | 'comparedRows' | 'comparedTimestamp'>,
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
