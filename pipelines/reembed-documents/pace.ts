/** At most so many a second, evenly, however many take part; pauses are computed, and the caller makes them. Pure but for being kept in place. */
export interface Pace {
  /** Takes places for `count`, and says how long to wait before going on; milliseconds. */
  take(count: number, now: number): number;
}

export const createPace = (perSecond: () => number): Pace => {
  let free = 0;
  return {
    take: (count, now) => {
      const begin = Math.max(free, now);
      free = begin + (count * 1_000) / perSecond();
      return begin - now;
    },
  };
};
