import type { DocumentTiming } from './records.ts';

/** Of what nobody committed and nobody waited for. `at`: microseconds since the Unix epoch. */
export const timingOfNothing = (at: number): DocumentTiming => ({
  ...{ committedAt: at, capturedAt: at, inKafkaAt: at, gatedAt: at, embeddedAt: at },
  basis: 'none',
});
