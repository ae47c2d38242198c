/**
 * Rule W for one source, as a pure machine: from positions that Connect acknowledged to points that may be claimed.
 *
 *   sampled    a moment of the source: all that was committed before it lies at or before a position, and what is captured
 *              already lies before it
 *   captured   Connect's offsets say that all up to a position stands in Kafka; the ends of cdc.<source>, read after
 *              that, become a candidate
 *   passed     index-documents has finished everything before a candidate's ends
 *   claimed    the ends of freshet.documents, read after that, are published with the candidate's position
 *
 * Positions never go back within an epoch; where they do, or where the change topic does, nothing is claimed until
 * the epoch rises. Times are microseconds since the Unix epoch, by our own clock but for `committedAt`.
 */
import type { HeldTable, WatermarkPoint } from '../../schemas/records.ts';
import { comparePositions } from '../../schemas/source-position.ts';

/** What was committed before `observedAt` (our clock) or `committedAt` (the source's) lies at or before `position`. */
export interface PositionSample {
  readonly position: string;
  readonly observedAt: number;
  readonly committedAt: number;
}

interface Candidate extends PositionSample {
  readonly changeEnds: readonly number[];
}

export type UnknownReason =
  /** No tracker has seen the source yet, or its epoch has just risen. */
  | 'not-tracked-yet'
  /** Connect has no offsets of it: it never ran, or they were deleted. */
  | 'no-offsets'
  | 'snapshot'
  /** Connect's position went back within an epoch: a source restored, offsets altered. */
  | 'position-went-back'
  /** Its change topic lost its end: deleted and made again. */
  | 'topic-made-anew'
  /** What the source's own state says: snapshotting, lost, unknown. */
  | `source-${string}`;

export interface WatermarkTrack {
  readonly source: string;
  readonly epoch: number;
  readonly captured: string | null;
  /** Newest reason why nothing can be claimed; null: claims may be made. */
  readonly unknown: UnknownReason | null;
  /** Only a new epoch lifts it. */
  readonly lost: boolean;
  readonly lastEnds: readonly number[];
  readonly samples: readonly PositionSample[];
  readonly candidates: readonly Candidate[];
  /** The last claim of this epoch. */
  readonly claimed: (PositionSample & { readonly documentEnds: readonly number[] }) | null;
  readonly held: readonly HeldTable[];
}

export interface TableHold {
  readonly table: string;
  readonly reason: string;
}

const MOST_SAMPLES = 128;
const MOST_CANDIDATES = 64;

export const newTrack = (source: string, epoch: number): WatermarkTrack => ({
  source,
  epoch,
  captured: null,
  unknown: 'not-tracked-yet',
  lost: false,
  lastEnds: [],
  samples: [],
  candidates: [],
  claimed: null,
  held: [],
});

/** A track that goes on from the last point that any tracker published. */
export const resumeTrack = (point: WatermarkPoint): WatermarkTrack => {
  const { source, epoch, position, observedAt, committedAt, documentEnds, heldTables } = point;
  const track = newTrack(source, epoch);
  if (position === null) return { ...track, held: heldTables };
  return {
    ...track,
    captured: position,
    // A claim that came to be doubted stays so: its successor knows no more than it did.
    ...(point.reason === 'position-went-back' || point.reason === 'topic-made-anew'
      ? { unknown: point.reason, lost: true }
      : {}),
    claimed: { position, observedAt, committedAt, documentEnds },
    held: heldTables,
  };
};

/** Everything known of another epoch says nothing of this one. An older one is a reader that is late: nothing changes. */
export const inEpoch = (track: WatermarkTrack, epoch: number): WatermarkTrack =>
  epoch <= track.epoch ? track : newTrack(track.source, epoch);

const isBefore = (a: string, b: string): boolean => (comparePositions(a, b) ?? 0) < 0;
const reaches = (a: string, b: string): boolean => (comparePositions(a, b) ?? -1) >= 0;

/**
 * `before`: the track when the source was asked. What Kafka had acknowledged by then stands in the source's log, so a log that ends
 * below it has lost some: a backup was restored, or a standby took over that was behind.
 */
export const sampled = (
  track: WatermarkTrack,
  sample: PositionSample,
  before: Pick<WatermarkTrack, 'epoch' | 'captured'>,
): WatermarkTrack => {
  // Read anew meanwhile, it begins again.
  const captured = before.epoch === track.epoch && track.captured !== null ? before.captured : null;
  if (captured !== null && isBefore(sample.position, captured)) return doubted(track, 'position-went-back');
  const last = track.samples.at(-1);
  // A position that stands still while time goes on says more of the same place: the newer takes the older's.
  const kept =
    last && comparePositions(last.position, sample.position) === 0
      ? track.samples.slice(0, -1)
      : track.samples;
  if (last && isBefore(sample.position, last.position)) return track;
  const samples = [...kept, sample];
  // While nothing is captured every other one goes: the newest stays, and so does the oldest.
  return {
    ...track,
    samples: samples.length <= MOST_SAMPLES ? samples : samples.filter((_, at) => at % 2 === 0),
  };
};

/** Nothing can be claimed for now; what is in hand stays, as it was true when it was seen. */
export const uncertain = (track: WatermarkTrack, reason: UnknownReason): WatermarkTrack =>
  track.lost ? track : { ...track, unknown: reason };

/** What was claimed may have been lost since: nothing is claimed any more until the epoch rises. */
export const doubted = (
  track: WatermarkTrack,
  reason: 'position-went-back' | 'topic-made-anew',
): WatermarkTrack => (track.lost ? track : { ...track, unknown: reason, lost: true, candidates: [] });

/** The source is read anew, in this epoch or another: positions begin again, and a later one may be lower. */
export const restarted = (track: WatermarkTrack, epoch: number, reason: UnknownReason): WatermarkTrack => ({
  ...newTrack(track.source, Math.max(epoch, track.epoch)),
  // Where a table stood in another epoch says nothing of this one.
  held:
    epoch <= track.epoch
      ? track.held
      : track.held.map((each) => ({ ...each, position: null, committedAt: 0, observedAt: 0 })),
  unknown: reason,
});

/** `changeEnds`: end offset of each partition of the change topic, read after `position` was. */
export const captured = (
  track: WatermarkTrack,
  position: string,
  changeEnds: readonly number[],
): WatermarkTrack => {
  if (track.lost) return track;
  if (track.captured !== null && comparePositions(position, track.captured) === undefined)
    return doubted(track, 'position-went-back');
  if (track.captured !== null && isBefore(position, track.captured))
    return doubted(track, 'position-went-back');
  if (track.lastEnds.some((end, partition) => (changeEnds[partition] ?? 0) < end))
    return doubted(track, 'topic-made-anew');
  const known = { ...track, unknown: null, lastEnds: changeEnds };
  const reached = track.samples.filter((sample) => reaches(position, sample.position));
  const newest = reached.at(-1);
  if (track.captured === position && !newest && (track.claimed || track.candidates.length > 0)) return known;
  const before = track.candidates.at(-1) ?? track.claimed;
  const candidate: Candidate = {
    position,
    observedAt: newest?.observedAt ?? before?.observedAt ?? 0,
    committedAt: newest?.committedAt ?? before?.committedAt ?? 0,
    changeEnds,
  };
  const kept = track.candidates.length < MOST_CANDIDATES ? track.candidates : track.candidates.slice(0, -1);
  return {
    ...known,
    captured: position,
    samples: track.samples.slice(reached.length),
    candidates: [...kept, candidate],
  };
};

/**
 * How many candidates index-documents has passed, by the offsets it has finished (next to read, by partition of the change
 * topic). The ends of freshet.documents are to be read after this was known.
 */
export const passed = (track: WatermarkTrack, finished: readonly number[]): number => {
  if (track.unknown !== null) return 0;
  const at = track.candidates.findLastIndex(({ changeEnds }) =>
    changeEnds.every((end, partition) => end === 0 || (finished[partition] ?? 0) >= end),
  );
  return at + 1;
};

/**
 * Claims the newest of so many passed candidates. `holds`: the tables that are held back, as known when everything
 * before the candidates' ends had been finished, so that no change of a held table is passed over as done.
 */
export const claimed = (
  track: WatermarkTrack,
  count: number,
  documentEnds: readonly number[],
  holds: readonly TableHold[],
): WatermarkTrack => {
  const candidate = track.candidates[count - 1];
  if (!candidate) return track;
  const { changeEnds: _, ...moment } = candidate;
  return {
    ...track,
    candidates: track.candidates.slice(count),
    claimed: { ...moment, documentEnds },
    held: holdTables(track, holds),
  };
};

/** A table stands where the last claim was that it was part of. */
export const holdTables = (track: WatermarkTrack, holds: readonly TableHold[]): readonly HeldTable[] =>
  holds.map(({ table, reason }) => {
    const standing = track.held.find((each) => each.table === table);
    return standing
      ? { ...standing, reason }
      : {
          table,
          reason,
          position: track.claimed?.position ?? null,
          committedAt: track.claimed?.committedAt ?? 0,
          observedAt: track.claimed?.observedAt ?? 0,
        };
  });

/** What is published of a track. */
export const pointOf = (
  track: WatermarkTrack,
  beside: Pick<
    WatermarkPoint,
    'clockOffsetMicros' | 'clockErrorMicros' | 'quarantined' | 'deadLettered' | 'probe' | 'at'
  >,
): WatermarkPoint => {
  const isKnown = track.unknown === null && track.claimed !== null;
  return {
    source: track.source,
    epoch: track.epoch,
    state: isKnown ? 'known' : 'unknown',
    reason: isKnown ? null : (track.unknown ?? 'not-tracked-yet'),
    // Kept while unknown, so that whoever tracks next notices a position that goes back.
    position: track.claimed?.position ?? null,
    committedAt: track.claimed?.committedAt ?? 0,
    observedAt: track.claimed?.observedAt ?? 0,
    documentEnds: track.claimed?.documentEnds ?? [],
    heldTables: track.held,
    ...beside,
  };
};
