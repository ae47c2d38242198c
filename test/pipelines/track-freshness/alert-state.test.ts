import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  BURN_RULES,
  type Condition,
  conditionsOf,
} from '../../../pipelines/track-freshness/alert-conditions.ts';
import {
  type AlertTrack,
  ENDS_AFTER,
  resumeAlerts,
  stepAlerts,
} from '../../../pipelines/track-freshness/alert-state.ts';
import type { SourceReport } from '../../../pipelines/track-freshness/freshness-report.ts';
import { createFreshnessWindow } from '../../../pipelines/track-freshness/freshness-window.ts';
import { createServiceLevel } from '../../../pipelines/track-freshness/service-level.ts';
import type { Alert } from '../../../schemas/records.ts';
import { UNTRACKED } from '../../../schemas/search.ts';

const NOW = 1_800_000_000_000_000;
const SECOND = 1_000_000;
const HOUR = 3_600 * SECOND;
const OBJECTIVE = { targetMs: 5_000, objective: 0.9999 };

/** One commit a second over so many hours; `isLate` by seconds before now. */
const sourceOf = (
  hours: number,
  isLate: (secondsAgo: number) => boolean,
  over: Partial<SourceReport> = {},
): SourceReport => {
  const level = createServiceLevel();
  for (let ago = hours * 3_600; ago > 0; ago -= 1) level.add(NOW - ago * SECOND, !isLate(ago));
  const [empty] = createFreshnessWindow(OBJECTIVE).report(NOW, { shop: UNTRACKED }).sources;
  if (!empty) throw new Error('no source');
  const watermark = { ...UNTRACKED, state: 'known' as const, reason: null };
  return {
    ...empty,
    watermark,
    stalenessMs: 400,
    slo: level.report(NOW, OBJECTIVE.objective),
    ...over,
  };
};
const kinds = (report: SourceReport): readonly string[] =>
  conditionsOf(report, OBJECTIVE).map(({ kind }) => kind);

describe('what calls for a person', () => {
  test('nothing, where the objective is kept, and where nothing is known to have been late', () => {
    expect(kinds(sourceOf(6, () => false))).toEqual([]);
    expect(kinds(sourceOf(0, () => false))).toEqual([]);
  });

  test('a few late commits are no trend', () => {
    expect(kinds(sourceOf(1, (ago) => ago <= 4))).toEqual([]);
    expect(kinds(sourceOf(1, (ago) => ago <= 6))).toContain('burn-1h');
  });

  test('what was late an hour ago and is no more does not burn', () => {
    expect(kinds(sourceOf(1, (ago) => ago > 2_400 && ago < 3_000))).not.toContain('burn-1h');
  });

  test.each(BURN_RULES)('$kind: only at its rate over both spans', ({ kind, rate, long, short }) => {
    const slo = sourceOf(0, () => false).slo;
    const at = (ofLong: number, ofShort: number) =>
      kinds(
        sourceOf(0, () => false, {
          slo: { ...slo, burnRates: { [long]: ofLong, [short]: ofShort }, late: { [long]: 5 } },
        }),
      );
    expect(at(rate, rate)).toEqual([kind]);
    expect(at(rate * 0.99, rate)).toEqual([]);
    expect(at(rate, rate * 0.99)).toEqual([]);
  });

  test('staleness, an unknown watermark, and probes that are not found, though nothing is late', () => {
    const fine = sourceOf(1, () => false);
    expect(kinds({ ...fine, stalenessMs: 5_001 })).toEqual(['stale']);
    expect(kinds({ ...fine, watermark: UNTRACKED, stalenessMs: null })).toEqual(['unknown']);
    expect(kinds({ ...fine, watermark: { ...UNTRACKED, reason: 'source-snapshotting' } })).toEqual([]);
    // A watermark whose age was never known, as the source is not asked for its time.
    expect(kinds({ ...fine, stalenessMs: null })).toEqual(['unknown']);
    const { slo } = fine;
    const latencyMs = fine.latencyMs;
    const probe = { at: '', found: 50, missed: 3, lastMs: null, latencyMs, slo };
    expect(kinds({ ...fine, probe })).toEqual(['probes-missed']);
    expect(kinds({ ...fine, probe: { ...probe, lastMs: 20 } })).toEqual([]);
  });
});

const STALE: Condition = { kind: 'stale', severity: 'page', value: 9, threshold: 5, summary: 'behind' };
const BURN: Condition = { kind: 'burn-1h', severity: 'page', value: 20, threshold: 14.4, summary: 'burns' };
const step = (track: AlertTrack, conditions: readonly Condition[], now: number) =>
  stepAlerts(track, conditions, { source: 'shop', slowestStage: 'embed', now });

describe('begin and end', () => {
  test('what must last fires once it has lasted, and ends once it was gone for a minute', () => {
    let { track, turned } = step({}, [STALE], NOW);
    expect(turned).toEqual([]);
    ({ track, turned } = step(track, [STALE], NOW + 59 * SECOND));
    expect(turned).toEqual([]);
    ({ track, turned } = step(track, [STALE], NOW + 60 * SECOND));
    expect(turned).toMatchObject([{ state: 'firing', kind: 'stale', source: 'shop', slowestStage: 'embed' }]);
    ({ track, turned } = step(track, [], NOW + 70 * SECOND));
    expect(turned).toEqual([]);
    ({ track, turned } = step(track, [], NOW + 131 * SECOND));
    expect(turned).toMatchObject([{ state: 'ended', since: NOW + 60 * SECOND, at: NOW + 131 * SECOND }]);
    expect(track).toEqual({});
  });

  test('one that was published goes on firing under a successor, which ends it', () => {
    const [alert] = step({}, [BURN], NOW).turned;
    const track = resumeAlerts(alert ? [alert] : []);
    expect(step(track, [BURN], NOW + HOUR).turned).toEqual([]);
    const gone = step(track, [], NOW + HOUR);
    expect(step(gone.track, [], NOW + HOUR + ENDS_AFTER).turned).toMatchObject([
      { state: 'ended', since: NOW },
    ]);
  });

  test('whatever comes and goes: told in turns, never twice the same, never while it holds an end', () => {
    const round = fc.record({
      burns: fc.boolean(),
      stale: fc.boolean(),
      seconds: fc.integer({ min: 1, max: 90 }),
    });
    fc.assert(
      fc.property(fc.array(round, { maxLength: 60 }), (rounds) => {
        let track: AlertTrack = {};
        let now = NOW;
        const last = new Map<string, Alert['state']>();
        for (const { burns, stale, seconds } of rounds) {
          now += seconds * SECOND;
          const conditions = [...(burns ? [BURN] : []), ...(stale ? [STALE] : [])];
          const stepped = step(track, conditions, now);
          track = stepped.track;
          for (const { kind, state } of stepped.turned) {
            expect(last.get(kind) ?? 'ended').not.toBe(state);
            last.set(kind, state);
            expect(conditions.some((each) => each.kind === kind)).toBe(state === 'firing');
          }
          if (burns) expect(last.get('burn-1h')).toBe('firing');
        }
      }),
    );
  });
});
