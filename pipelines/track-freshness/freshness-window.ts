/**
 * A sliding window over the timings of changes: how long commits take to become searchable, where that time goes, and
 * whether the objective holds. Pure but for being kept in place; time is an argument. The order of timings does not
 * matter, and one that comes late counts in the moment it became searchable.
 */

import { AGENT_SOURCES } from '../../schemas/agent-sources.ts';
import { ownField } from '../../schemas/own-field.ts';
import { isProbeTable } from '../../schemas/probe.ts';
import type { Alert, Timing, WatermarkPoint } from '../../schemas/records.ts';
import { type SourceWatermark, UNTRACKED } from '../../schemas/search.ts';
import { alertKey } from './alert-record.ts';
import { type ChangeLatency, latencyOf } from './change-latency.ts';
import type {
  AlertReport,
  ClockReport,
  FreshnessReport,
  NewestApplied,
  SourceReport,
  TableReport,
} from './freshness-report.ts';
import { createLatencyHistogram, type LatencyHistogram } from './latency-histogram.ts';
import { createProbeWindow, type ProbeWindow } from './probe-window.ts';
import { createServiceLevel, type Objective, type ServiceLevel } from './service-level.ts';
import { createWindowFigures, latencyReport, type WindowFigures } from './window-figures.ts';

export interface FreshnessWindowSettings extends Objective {
  readonly windowMs?: number;
  readonly subWindowMs?: number;
}

export interface FreshnessWindow {
  /** `now` in microseconds: a timing from the future of this clock counts as of now. */
  add(timing: Timing, now: number): void;
  /** What the tracker published: the source's clock, and its probes. */
  addPoint(point: WatermarkPoint): void;
  /** As it was last published: it is reported while it fires. */
  addAlert(alert: Alert): void;
  /** The same, of a source or a behaviour. */
  alertOf(of: Pick<Alert, 'source' | 'kind'>): Alert | undefined;
  /** All that stand. */
  firing(): readonly Alert[];
  /** `covered`: the watermarks of an index as of now, by source; sources without changes are reported too. */
  report(now: number, covered?: Readonly<Record<string, SourceWatermark>>): FreshnessReport;
}

interface Newest {
  readonly version: string;
  /** By the source's clock. */
  readonly committedAt: number;
  /** By ours. */
  readonly seenAt: number;
}

interface SourceState {
  readonly probes: ProbeWindow;
  clock: ClockReport | null;
  readonly slo: ServiceLevel;
  readonly tables: Map<string, { newest: Newest | null }>;
}

interface SubWindow {
  /** Of all tables: what the series shows is merged for no report. */
  readonly total: LatencyHistogram;
  /** By source and table. */
  readonly figures: Map<string, Map<string, WindowFigures>>;
}

const NOTHING = createLatencyHistogram();

const iso = (micros: number): string => new Date(micros / 1_000).toISOString();

const ageOf = (newest: Newest | null, now: number): NewestApplied | null =>
  newest && {
    version: newest.version,
    committedAt: iso(newest.committedAt),
    ageMs: Math.max(0, (now - newest.seenAt) / 1_000),
  };

const newer = (a: Newest | null, b: Newest | null): Newest | null =>
  !a ? b : !b ? a : b.committedAt > a.committedAt ? b : a;

export const createFreshnessWindow = (settings: FreshnessWindowSettings): FreshnessWindow => {
  const { windowMs = 5 * 60_000, subWindowMs = 5_000, targetMs, objective } = settings;
  const subMicros = subWindowMs * 1_000;
  const subWindowCount = Math.ceil(windowMs / subWindowMs);
  const sources = new Map<string, SourceState>();
  const overall = createServiceLevel();
  const alerts = new Map<string, Alert>();
  const subWindows = new Map<number, SubWindow>();

  const firing = (): Alert[] => [...alerts.values()].filter(({ state }) => state === 'firing');

  const stateOf = (source: string): SourceState => {
    const known = sources.get(source);
    if (known) return known;
    const state: SourceState = {
      probes: createProbeWindow(settings),
      clock: null,
      slo: createServiceLevel(),
      tables: new Map(),
    };
    sources.set(source, state);
    return state;
  };

  const forgetOld = (now: number): number => {
    const newest = Math.floor(now / subMicros);
    for (const number of subWindows.keys()) if (number <= newest - subWindowCount) subWindows.delete(number);
    return newest;
  };

  const subWindowAt = (number: number, now: number): SubWindow => {
    const known = subWindows.get(number);
    if (known) return known;
    // Here as well, for nobody may ever ask for a report.
    forgetOld(now);
    const subWindow = { total: createLatencyHistogram(), figures: new Map() };
    subWindows.set(number, subWindow);
    return subWindow;
  };

  const count = (latency: ChangeLatency, subWindow: SubWindow, source: string, table: string): void => {
    const byTable = subWindow.figures.get(source) ?? new Map<string, WindowFigures>();
    subWindow.figures.set(source, byTable);
    const figures = byTable.get(table) ?? createWindowFigures();
    byTable.set(table, figures);
    figures.add(latency);
    if (latency.kind === 'commit') subWindow.total.record(latency.totalMicros);
  };

  return {
    add: (timing, now) => {
      // A probe is no change of anyone's: it is measured by whether it is found.
      if (isProbeTable(timing.table)) return;
      if (AGENT_SOURCES.has(timing.source)) return;
      const latency = latencyOf(timing);
      const at = Math.min(timing.searchableAt, now);
      const { source, table } = timing;
      const state = stateOf(source);
      const known = state.tables.get(table) ?? { newest: null };
      state.tables.set(table, known);
      if (timing.outcome === 'applied' && timing.committedAt > 0)
        known.newest = newer(known.newest, {
          ...{ version: timing.version, committedAt: timing.committedAt },
          seenAt: timing.committedAt - timing.clockOffsetMicros,
        });
      if (latency.kind === 'commit') {
        const kept = latency.totalMicros <= targetMs * 1_000;
        state.slo.add(at, kept);
        overall.add(at, kept);
      }
      const number = Math.floor(at / subMicros);
      if (number > Math.floor(now / subMicros) - subWindowCount)
        count(latency, subWindowAt(number, now), source, table);
    },

    addPoint: ({ source, clockOffsetMicros, clockErrorMicros, probe }) => {
      const state = stateOf(source);
      state.clock =
        clockOffsetMicros === null
          ? null
          : { offsetMs: clockOffsetMicros / 1_000, errorMs: (clockErrorMicros ?? 0) / 1_000 };
      if (probe) state.probes.add(probe);
    },

    addAlert: (alert) => {
      alerts.set(alertKey(alert), alert);
    },

    alertOf: (wanted) => alerts.get(alertKey(wanted)),

    firing,

    report: (now, covered = {}) => {
      for (const source of Object.keys(covered)) stateOf(source);
      const newest = forgetOld(now);
      const series = [];
      for (let number = newest - subWindowCount + 1; number <= newest; number += 1) {
        const { total = NOTHING } = subWindows.get(number) ?? {};
        const { p50, p99, max } = latencyReport(total);
        series.push({ at: iso(number * subMicros), count: total.count(), p50, p99, max });
      }

      const all = createWindowFigures();
      const sourceReports = [...sources].sort(byName).map(([source, state]): SourceReport => {
        const ofSource = createWindowFigures();
        const watermark = ownField(covered, source) ?? UNTRACKED;
        let newestApplied: Newest | null = null;
        const tables = [...state.tables].sort(byName).map(([table, known]): TableReport => {
          const ofTable = createWindowFigures();
          for (const { figures } of subWindows.values()) {
            const held = figures.get(source)?.get(table);
            if (held) ofTable.merge(held);
          }
          ofSource.merge(ofTable);
          newestApplied = newer(newestApplied, known.newest);
          const stood = ownField(watermark.heldTables, table) ?? watermark;
          const { state: standing, reason, epoch, position, committedAt, stalenessMs } = stood;
          return {
            table,
            ...ofTable.report(),
            newestApplied: ageOf(known.newest, now),
            watermark: { state: standing, reason, epoch, position, committedAt, stalenessMs },
            stalenessMs,
          };
        });
        all.merge(ofSource);
        return {
          source,
          ...ofSource.report(),
          watermark,
          stalenessMs: watermark.stalenessMs,
          clock: state.clock,
          probe: state.probes.report(now),
          newestApplied: ageOf(newestApplied, now),
          slo: state.slo.report(now, objective),
          tables,
        };
      });
      const slo = { targetMs, objective, ...overall.report(now, objective) };
      return {
        ...{ at: iso(now), windowMs, ...all.report(), slo, sources: sourceReports, series },
        alerts: firing().sort(byUrgency).map(alertReport),
      };
    },
  };
};

const byUrgency = (a: Alert, b: Alert): number =>
  a.severity === b.severity ? a.since - b.since : a.severity === 'page' ? -1 : 1;

const alertReport = ({ source, kind, severity, since, summary }: Alert): AlertReport => ({
  ...{ source, kind, severity, summary },
  since: iso(since),
});

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number =>
  a < b ? -1 : a > b ? 1 : 0;
