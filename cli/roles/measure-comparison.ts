/** What a comparison in the background came to, of one table, as gauges. */
import type { Metrics } from '../../connectors/telemetry/metrics.ts';
import { DIVERGENCES } from '../../pipelines/reconcile/compare-state.ts';
import type { TableReport } from '../../pipelines/reconcile/reconcile-table.ts';

/** `at`: microseconds since the Unix epoch. */
export const measureComparison = (
  metrics: Pick<Metrics, 'divergentDocuments' | 'comparedRows' | 'comparedTimestamp'>,
  { source, table, rows, divergent, unsettled }: TableReport,
  at: number,
): void => {
  for (const divergence of DIVERGENCES)
    metrics.divergentDocuments.set(
      { source, table, divergence },
      divergent.filter((each) => each.divergence === divergence).length,
    );
  metrics.comparedRows.set({ source, table }, Math.max(0, rows - unsettled.length));
  metrics.comparedTimestamp.set({ source, table }, at / 1e6);
};
