/** Times of records (microseconds since the Unix epoch; 0 is unknown) as the API gives them. Pure. */
const LATEST_MICROS = 8.64e18;

/** Null where unknown, or where it is no time at all: records can be written by anyone who reaches Kafka. */
export const isoTime = (micros: number): string | null =>
  micros > 0 && micros < LATEST_MICROS ? new Date(micros / 1_000).toISOString() : null;

export const msBetween = (from: number, to: number): number | null =>
  from > 0 && to > 0 ? Math.max(0, (to - from) / 1_000) : null;
