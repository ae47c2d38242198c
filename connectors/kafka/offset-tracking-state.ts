/**
 * Which offset of one partition may be committed when records finish in any order: the lowest that is not finished.
 * Pure; the state is replaced, never changed.
 */
export interface OffsetTracking {
  /** The next offset to commit: everything below is finished. */
  readonly committable: number;
  /** Started and not finished, in order of offset. */
  readonly open: readonly number[];
  /** One past the highest offset started. */
  readonly next: number;
}

export const trackFrom = (offset: number): OffsetTracking => ({
  committable: offset,
  open: [],
  next: offset,
});

/** A record was taken on. Offsets come in order; one below `next` was seen already and changes nothing. */
export const started = (state: OffsetTracking, offset: number): OffsetTracking => {
  if (offset < state.next) return state;
  const open = [...state.open, offset];
  return { committable: open[0] ?? offset, open, next: offset + 1 };
};

/** A record is finished for good. One that is not open changes nothing. */
export const finished = (state: OffsetTracking, offset: number): OffsetTracking => {
  const at = state.open.indexOf(offset);
  if (at < 0) return state;
  const open = [...state.open.slice(0, at), ...state.open.slice(at + 1)];
  return { ...state, open, committable: open[0] ?? state.next };
};

export const inFlight = (state: OffsetTracking): number => state.open.length;
