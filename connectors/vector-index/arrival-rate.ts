/** How many rows a second come in: a load, or a batch now and then. */
export interface ArrivalRate {
  /** Of the last whole span, or of the one under way where that is more already. */
  readonly rowsASecond: number;
  readonly since: number;
  readonly counted: number;
}

/** Long enough that a load which falters is still one. */
const SPAN_MILLISECONDS = 2_000;

/** `now`: milliseconds of a clock that never goes back. */
export const noArrivals = (now: number): ArrivalRate => ({ rowsASecond: 0, since: now, counted: 0 });

export const withArrivals = (rate: ArrivalRate, now: number, rows: number): ArrivalRate => {
  const span = now - rate.since;
  const counted = rate.counted + rows;
  return span < SPAN_MILLISECONDS
    ? { ...rate, counted, rowsASecond: Math.max(rate.rowsASecond, (counted * 1_000) / SPAN_MILLISECONDS) }
    : { rowsASecond: (counted * 1_000) / span, since: now, counted: 0 };
};
