/** How many rows a second come in, counted over whole spans of half a second: a batch alone is no load. */
export interface ArrivalRate {
  /** Of the last whole span. */
  readonly rowsASecond: number;
  readonly since: number;
  readonly counted: number;
}

const SPAN_MILLISECONDS = 500;

/** `now`: milliseconds of a clock that never goes back. */
export const noArrivals = (now: number): ArrivalRate => ({ rowsASecond: 0, since: now, counted: 0 });

export const withArrivals = (rate: ArrivalRate, now: number, rows: number): ArrivalRate => {
  const span = now - rate.since;
  const counted = rate.counted + rows;
  return span < SPAN_MILLISECONDS
    ? { ...rate, counted }
    : { rowsASecond: (counted * 1_000) / span, since: now, counted: 0 };
};
