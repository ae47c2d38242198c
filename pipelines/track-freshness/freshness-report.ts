/** What /v1/freshness answers: figures of a sliding window, durations in milliseconds, times as ISO 8601. */
import type { Alert } from '../../schemas/records.ts';
import type { SourceWatermark, Watermark } from '../../schemas/search.ts';
import type { StageName } from './change-latency.ts';
import type { Objective, ServiceLevelReport } from './service-level.ts';

/** Commit to searchable, milliseconds; null where nothing was committed in the window. */
export interface LatencyReport {
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
  readonly 'p99.99': number | null;
  readonly max: number | null;
}

export interface StageReport {
  readonly stage: StageName;
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
}

/** What the window holds, in changes; only commits are measured. */
export interface ChangeCounts {
  readonly commits: number;
  readonly snapshot: number;
  readonly superseded: number;
  readonly floors: number;
  readonly untimed: number;
  /** Differences that came out below zero and count as 0: clocks apart, or times in whole milliseconds. */
  readonly clamped: number;
}

export interface NewestApplied {
  readonly version: string;
  readonly committedAt: string;
  readonly ageMs: number;
}

export interface WindowReport {
  readonly counts: ChangeCounts;
  readonly latencyMs: LatencyReport;
  readonly stages: readonly StageReport[];
  /** Where most of the median change's time goes; null without stages. */
  readonly slowestStage: StageName | null;
}

export interface TableReport extends WindowReport {
  readonly table: string;
  readonly newestApplied: NewestApplied | null;
  /** Its own where it is held back, else that of its source. */
  readonly watermark: Watermark;
  readonly stalenessMs: number | null;
}

/** Probe rows: written to the source each second and looked for in the index as a user would. */
export interface ProbeReport {
  readonly at: string;
  /** Of the window. */
  readonly found: number;
  readonly missed: number;
  /** The last one: commit to found, milliseconds; null where it was not found. */
  readonly lastMs: number | null;
  readonly latencyMs: LatencyReport;
  readonly slo: ServiceLevelReport;
}

/** The source's clock less ours, milliseconds, and what the estimate may be off by. */
export interface ClockReport {
  readonly offsetMs: number;
  readonly errorMs: number;
}

export interface SourceReport extends WindowReport {
  readonly source: string;
  /** Unknown is its own state, not "fresh" (rule W). */
  readonly watermark: SourceWatermark;
  readonly stalenessMs: number | null;
  /** Null until it was asked. */
  readonly clock: ClockReport | null;
  /** Null where no probes are written. */
  readonly probe: ProbeReport | null;
  readonly newestApplied: NewestApplied | null;
  readonly slo: ServiceLevelReport;
  readonly tables: readonly TableReport[];
}

export interface SeriesPoint {
  readonly at: string;
  readonly count: number;
  readonly p50: number | null;
  readonly p99: number | null;
  readonly max: number | null;
}

/** Fires now. */
export interface AlertReport {
  readonly source: string;
  readonly kind: Alert['kind'];
  readonly severity: Alert['severity'];
  readonly since: string;
  readonly summary: string;
}

export interface FreshnessReport extends WindowReport {
  readonly at: string;
  readonly windowMs: number;
  readonly slo: Objective & ServiceLevelReport;
  readonly sources: readonly SourceReport[];
  /** Pages first, then the longest. */
  readonly alerts: readonly AlertReport[];
  /** One point per sub-window, oldest first, empty ones too. */
  readonly series: readonly SeriesPoint[];
}
