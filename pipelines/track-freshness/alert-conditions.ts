/** What of a source's freshness calls for a person, by what was measured at a moment. Pure. */
import type { Alert } from '../../schemas/records.ts';
import type { SourceReport } from './freshness-report.ts';
import type { BurnSpan, Objective } from './service-level.ts';

/** Of freshness: the gateway alerts to agents and their behaviours. */
export type AlertKind = Exclude<
  Alert['kind'],
  'rolled-back' | 'failing' | 'looping' | 'budget-low' | 'breaker-open'
>;

/** Holds now; whether it fires is decided by how long it has held. */
export type Condition = Pick<Alert, 'kind' | 'severity' | 'value' | 'threshold' | 'summary'>;

interface BurnRule {
  readonly kind: AlertKind;
  readonly long: BurnSpan;
  /** So that it ends soon after the cause has ended. */
  readonly short: BurnSpan;
  readonly rate: number;
  readonly severity: Alert['severity'];
}

/** Google's SRE workbook, chapter 5, table 5-8: 2 % of a month's budget in an hour, 5 % in six hours, 10 % in one day and in three. */
export const BURN_RULES: readonly BurnRule[] = [
  { kind: 'burn-1h', long: '1h', short: '5m', rate: 14.4, severity: 'page' },
  { kind: 'burn-6h', long: '6h', short: '30m', rate: 6, severity: 'page' },
  { kind: 'burn-1d', long: '1d', short: '2h', rate: 3, severity: 'ticket' },
  { kind: 'burn-3d', long: '3d', short: '6h', rate: 1, severity: 'ticket' },
];

/** Of few changes one that is late is no trend: with 99.99 % a single one of 600 burns at 16 times the rate. */
const LEAST_LATE = 5;
const MOST_MISSED = 3;

const SECOND = 1_000_000;

/** How long a condition must hold before it fires, microseconds. What the windows of burn rates measure is lasting by itself. */
export const HOLDS_FOR: Readonly<Record<AlertKind, number>> = {
  'burn-1h': 0,
  'burn-6h': 0,
  'burn-1d': 0,
  'burn-3d': 0,
  stale: 60 * SECOND,
  // A role that starts knows nothing for a while.
  unknown: 300 * SECOND,
  // Behind the last rows of a first load a probe is late, and the next one is not.
  'probes-missed': 10 * SECOND,
};

/** While it is read for the first time, or anew, nobody can claim anything; that is no fault. */
const isSnapshot = (reason: string | null): boolean => reason?.includes('snapshot') ?? false;

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;

export const conditionsOf = (report: SourceReport, { targetMs }: Objective): readonly Condition[] => {
  const { source, slo, watermark, stalenessMs, probe } = report;
  const found: Condition[] = [];
  for (const { kind, long, short, rate, severity } of BURN_RULES) {
    const value = slo.burnRates[long] ?? 0;
    if (value < rate || (slo.burnRates[short] ?? 0) < rate || (slo.late[long] ?? 0) < LEAST_LATE) continue;
    found.push({
      ...{ kind, severity, value, threshold: rate },
      summary: `${source}: the error budget is spent ${value.toFixed(1)} times as fast as the objective allows, over ${long} and ${short}`,
    });
  }
  if (stalenessMs !== null && stalenessMs > targetMs)
    found.push({
      ...{ kind: 'stale', severity: 'page', value: stalenessMs, threshold: targetMs },
      summary: `${source}: what is found is ${seconds(stalenessMs)} behind, ${seconds(targetMs)} are allowed`,
    });
  const isUnknown = watermark.state === 'unknown';
  const loading = isUnknown && isSnapshot(watermark.reason);
  // A place whose age nobody can tell says no more than none: the source was never asked for its time, or never answered.
  if ((isUnknown || stalenessMs === null) && !loading)
    found.push({
      ...{ kind: 'unknown', severity: 'page', value: 1, threshold: 0 },
      summary: isUnknown
        ? `${source}: how much of it is covered is not known: ${watermark.reason ?? 'no reason given'}`
        : `${source}: how old what is covered is, is not known: the source does not say how far its log reaches`,
    });
  if (probe && probe.missed >= MOST_MISSED && probe.lastMs === null && !loading)
    found.push({
      ...{ kind: 'probes-missed', severity: 'page', value: probe.missed, threshold: MOST_MISSED },
      summary: `${source}: ${probe.missed} probe rows of the last minutes were not found by a search`,
    });
  return found;
};
