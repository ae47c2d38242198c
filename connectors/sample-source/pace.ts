/** When things are due: the i-th at start + i × interval, whatever the ones before took. Times in milliseconds. */
export type Pace = { readonly start: number; readonly interval: number; readonly index: number };

/** How far behind the schedule may fall before the missed ones are given up. */
export const BEHIND_LIMIT = 1_000;

export const startPace = (perSecond: number, now: number): Pace => ({
  start: now,
  interval: 1000 / perSecond,
  index: 0,
});

export type PaceStep = { readonly pace: Pace; readonly wait: number; readonly skipped: number };

/** What to do about the next one: wait so long, then do it, having given up those that are too late by now. */
export const nextStep = (pace: Pace, now: number): PaceStep => {
  const due = pace.start + pace.index * pace.interval;
  const tooLate = now - BEHIND_LIMIT - due;
  const skipped = tooLate > 0 ? Math.ceil(tooLate / pace.interval) : 0;
  const index = pace.index + skipped;
  const wait = Math.max(0, pace.start + index * pace.interval - now);
  return { pace: { ...pace, index: index + 1 }, wait, skipped };
};
