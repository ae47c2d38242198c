const SPREAD = 0.1;

/**
 * How long one of many that were held back together waits: never less than it was told, and up to a tenth more, so that they
 * come back one after another; none waits past `withinMs` for that. Milliseconds. `chance`: from 0 to 1, 1 excluded.
 */
export const spreadWait = (waitMs: number, withinMs: number, chance: number): number =>
  waitMs + Math.floor(chance * Math.max(0, Math.min(waitMs * SPREAD, withinMs - waitMs - 1)));
