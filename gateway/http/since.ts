/** `24h`, or a time: from when on something is wanted. Pure. */
import { z } from 'zod';

const SPAN = /^(\d{1,6})(s|m|h|d)$/;
const MICROS = { s: 1e6, m: 6e7, h: 3.6e9, d: 8.64e10 } as const;

export const since = z
  .string()
  .max(40)
  .refine(
    (text) => SPAN.test(text) || !Number.isNaN(Date.parse(text)),
    'a span such as 24h, or a time in ISO 8601',
  )
  .describe('From when on: a span before now, such as 24h, or a time.');

/** Microseconds since the Unix epoch. */
export const sinceMicros = (text: string, now: number): number => {
  const [, count, unit] = SPAN.exec(text) ?? [];
  return count === undefined
    ? Date.parse(text) * 1_000
    : now - Number(count) * MICROS[unit as keyof typeof MICROS];
};
