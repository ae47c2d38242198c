/**
 * When an alert of a source fires and when it ends; of agents too (gateway/watch-agents.ts). Pure; times are microseconds since the Unix epoch.
 *
 *             the condition holds                 it does not hold
 *   quiet     waiting                             quiet
 *   waiting   firing once it held long enough     quiet
 *   firing    firing                              ending
 *   ending    firing                              quiet once it was gone for a while
 */
import type { Alert } from '../../schemas/records.ts';
import { type Condition, HOLDS_FOR } from './alert-conditions.ts';

export type AlertPhase =
  | { readonly phase: 'waiting'; readonly from: number }
  | { readonly phase: 'firing'; readonly alert: Alert }
  | { readonly phase: 'ending'; readonly alert: Alert; readonly from: number };

/** By kind; one that is quiet is absent. */
export type AlertTrack = Readonly<Partial<Record<Alert['kind'], AlertPhase>>>;

/** Gone for so long, so that what comes and goes is one alert. */
export const ENDS_AFTER = 60_000_000;

export interface AlertStep {
  readonly track: AlertTrack;
  /** What is to be told: alerts that have begun or ended. */
  readonly turned: readonly Alert[];
}

/** A track that goes on from what was last published. */
export const resumeAlerts = (published: Iterable<Alert>): AlertTrack =>
  Object.fromEntries(
    [...published]
      .filter(({ state }) => state === 'firing')
      .map((alert) => [alert.kind, { phase: 'firing', alert } satisfies AlertPhase]),
  );

/** A track held against what stands published: others who watch the same may have raised an alert, or ended it. */
export const joinAlerts = (track: AlertTrack, published: Iterable<Alert>): AlertTrack => {
  const standing = resumeAlerts(published);
  const own = (Object.entries(track) as [Alert['kind'], AlertPhase][]).filter(([kind, { phase }]) =>
    standing[kind] ? phase === 'ending' : phase === 'waiting',
  );
  return { ...standing, ...Object.fromEntries(own) };
};

/** `holdsFor`: how long a condition must hold before it fires, microseconds; not at all where left out. */
export const stepAlerts = (
  track: AlertTrack,
  conditions: readonly Condition[],
  { source, slowestStage, now }: { readonly now: number } & Pick<Alert, 'source' | 'slowestStage'>,
  holdsFor: Readonly<Partial<Record<Alert['kind'], number>>> = HOLDS_FOR,
): AlertStep => {
  const next: Partial<Record<Alert['kind'], AlertPhase>> = {};
  const turned: Alert[] = [];
  for (const condition of conditions) {
    const { kind } = condition;
    const before = track[kind];
    if (before?.phase === 'firing' || before?.phase === 'ending') {
      next[kind] = { phase: 'firing', alert: before.alert };
      continue;
    }
    const from = before?.from ?? now;
    if (now - from < (holdsFor[kind] ?? 0)) {
      next[kind] = { phase: 'waiting', from };
      continue;
    }
    const alert: Alert = { source, ...condition, state: 'firing', since: now, at: now, slowestStage };
    next[kind] = { phase: 'firing', alert };
    turned.push(alert);
  }
  for (const [kind, before] of Object.entries(track) as [Alert['kind'], AlertPhase][]) {
    if (next[kind] || before.phase === 'waiting') continue;
    const from = before.phase === 'ending' ? before.from : now;
    if (now - from < ENDS_AFTER) next[kind] = { phase: 'ending', alert: before.alert, from };
    else turned.push({ ...before.alert, state: 'ended', at: now });
  }
  return { track: next, turned };
};
