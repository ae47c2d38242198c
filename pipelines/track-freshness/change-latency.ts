/** What one timing says: whether it counts as a commit made searchable, how long that took by our clock, and where. Pure. */
import type { Timing } from '../../schemas/records.ts';

/** The way of a change, in order; each stage ends where the next begins. */
export const STAGES = [
  { name: 'capture', from: 'committedAt', to: 'capturedAt' },
  { name: 'to-kafka', from: 'capturedAt', to: 'inKafkaAt' },
  { name: 'gates', from: 'inKafkaAt', to: 'gatedAt' },
  { name: 'embed', from: 'gatedAt', to: 'embeddedAt' },
  { name: 'append', from: 'embeddedAt', to: 'appendedAt' },
  { name: 'apply', from: 'appendedAt', to: 'appliedAt' },
  { name: 'make-searchable', from: 'appliedAt', to: 'searchableAt' },
] as const satisfies readonly { name: string; from: keyof Timing; to: keyof Timing }[];

export type StageName = (typeof STAGES)[number]['name'];

/**
 * commit: a change that was committed and made searchable. The others are no commits whose age could be measured:
 * a snapshot (the first one, or that of a table beside changes) reads rows that may be years old, a superseded one was never
 * visible, a floor stands for many rows and is written once per partition, an untimed one was made of nothing that the source
 * did then (a repair, what a person took through again), or carries no commit time.
 */
export type TimingKind = 'commit' | 'snapshot' | 'superseded' | 'floor' | 'untimed';

export interface ChangeLatency {
  readonly kind: TimingKind;
  /** Commit to searchable, microseconds; 0 unless a commit. */
  readonly totalMicros: number;
  /** Microseconds by stage; a stage whose times are not both known is left out. */
  readonly stages: Readonly<Partial<Record<StageName, number>>>;
  /** Differences below zero, from clocks apart or times in whole milliseconds; they count as 0. */
  readonly clamped: number;
}

export const timingKindOf = (timing: Timing): TimingKind => {
  if (timing.outcome === 'superseded') return 'superseded';
  if (timing.kind === 'floor') return 'floor';
  if (timing.basis === 'snapshot') return 'snapshot';
  return timing.basis === 'commit' && timing.committedAt > 0 && timing.searchableAt > 0
    ? 'commit'
    : 'untimed';
};

export const latencyOf = (timing: Timing): ChangeLatency => {
  const kind = timingKindOf(timing);
  if (kind !== 'commit') return { kind, totalMicros: 0, stages: {}, clamped: 0 };
  let clamped = 0;
  const between = (from: number, to: number): number => {
    if (to < from) clamped += 1;
    return Math.max(0, to - from);
  };
  const stages: Partial<Record<StageName, number>> = {};
  const committedAt = timing.committedAt - timing.clockOffsetMicros;
  const ours = { ...timing, committedAt };
  for (const { name, from, to } of STAGES) {
    if (timing[from] > 0 && timing[to] > 0) stages[name] = between(ours[from], ours[to]);
  }
  return { kind, totalMicros: between(committedAt, timing.searchableAt), stages, clamped };
};
