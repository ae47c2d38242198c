/** The difference between two clocks, estimated from questions and answers. Pure. */

export interface RoundTrip {
  /** By our clock, microseconds. */
  readonly askedAt: number;
  readonly answeredAt: number;
  /** By the other clock, at some moment between the two. */
  readonly otherAt: number;
}

export interface ClockOffset {
  /** The other clock less ours. */
  readonly offsetMicros: number;
  /** The true offset is no further from it than this. */
  readonly errorMicros: number;
}

const offsetOf = ({ askedAt, answeredAt, otherAt }: RoundTrip): ClockOffset => ({
  offsetMicros: Math.round(otherAt - (askedAt + answeredAt) / 2),
  errorMicros: Math.ceil(Math.max(0, answeredAt - askedAt) / 2),
});

/** Of the last round trips, the quickest says most: half of it is the error. Null without any. */
export const estimateOffset = (trips: readonly RoundTrip[]): ClockOffset | null => {
  let best: ClockOffset | null = null;
  for (const trip of trips) {
    const offset = offsetOf(trip);
    if (!best || offset.errorMicros <= best.errorMicros) best = offset;
  }
  return best;
};

/** What is to be taken from a time of the other clock: nothing where the two may well be one. */
export const knownOffset = (offsetMicros: number | null, errorMicros: number | null): number =>
  offsetMicros !== null && Math.abs(offsetMicros) > (errorMicros ?? 0) ? offsetMicros : 0;
