import { MARKER_ENDS_KEPT_MS } from '../schemas/topics.ts';

/** Clocks of machines, and the time that reading on takes. */
const MARGIN_MS = 2 * 86_400_000;

/**
 * Whether a table of freshet.documents may have missed the end of a marker, and with it all that the log said of the document
 * (decision 26): then it begins anew. `writtenAt` in milliseconds, undefined where there is nothing to miss; `now` in microseconds. Pure.
 */
export const isAwayTooLong = (writtenAt: number | undefined, now: number): boolean =>
  writtenAt !== undefined && now / 1_000 - writtenAt > MARKER_ENDS_KEPT_MS - MARGIN_MS;
