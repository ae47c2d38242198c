/** A report of freshness as a tenant may see it. Pure. */
import type { FreshnessReport } from '../../pipelines/track-freshness/freshness-report.ts';

/** What a tenant spends is its own to know, and what an agent spends it spends for all of them (I9). Undefined: an operator. */
export const freshnessFor = (report: FreshnessReport, tenant: string | undefined): FreshnessReport =>
  tenant === undefined
    ? report
    : {
        ...report,
        alerts: report.alerts.filter(
          ({ kind, source }) => kind !== 'budget-low' || source === `tenant:${tenant}`,
        ),
      };
