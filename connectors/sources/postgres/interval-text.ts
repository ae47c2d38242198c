/**
 * An interval as Postgres writes it (IntervalStyle=postgres), `1 year -2 mons 03:04:05.6` → as a change carries it
 * (interval.handling.mode=string), `P1Y-2M0DT3H4M5.6S`: every part, each with its own sign. Pure.
 */
const PART = /(-?\d+) (year|mon|day)/g;
const CLOCK = /(-?)(\d+):(\d+):(\d+(?:\.\d+)?)$/;

const signed = (sign: string, digits: string): string => {
  const value = Number(digits);
  return value === 0 ? '0' : `${sign}${value}`;
};

export const isoInterval = (text: string): string => {
  const parts: Record<string, string> = {};
  for (const [, value = '0', unit = ''] of text.matchAll(PART)) parts[unit] = value;
  const [, sign = '', hours = '0', minutes = '0', seconds = '0'] = CLOCK.exec(text) ?? [];
  const date = `${parts.year ?? 0}Y${parts.mon ?? 0}M${parts.day ?? 0}D`;
  return `P${date}T${signed(sign, hours)}H${signed(sign, minutes)}M${signed(sign, seconds)}S`;
};
