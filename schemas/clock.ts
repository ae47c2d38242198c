/** Microseconds since the Unix epoch. Passed in wherever time matters, so that decisions can be tested and replayed. */
export type Clock = () => number;

/** The machine's own clock, in microseconds where it has them. */
export const systemClock: Clock = () => Math.round((performance.timeOrigin + performance.now()) * 1_000);
