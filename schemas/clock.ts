/** Microseconds since the Unix epoch. Passed in wherever time matters, so that decisions can be tested and replayed. */
export type Clock = () => number;

/** The longest that a timer takes, milliseconds; over it, it would fire at once. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The machine's own clock, in microseconds where it has them. */
export const systemClock: Clock = () => Math.round((performance.timeOrigin + performance.now()) * 1_000);

/** The least of moments of which some are not known; undefined where none is. Pure. */
export const oldestOf = (moments: Iterable<number | undefined>): number | undefined => {
  let oldest: number | undefined;
  for (const moment of moments)
    if (moment !== undefined && (oldest === undefined || moment < oldest)) oldest = moment;
  return oldest;
};
