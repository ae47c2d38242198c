/** Times as a person reads them. */
import { expect, test } from 'vitest';

const { ago } = (await import(new URL('../../../gateway/dashboard/format.js', import.meta.url).href)) as {
  readonly ago: (iso: string, now: number) => string;
};

const NOW = Date.parse('2026-11-20T12:00:00Z');

test.each([
  [4, 'just now'],
  [8.4, '8 s ago'],
  [63.6, '64 s ago'],
  [180, '3 min ago'],
])('%s seconds ago', (seconds, said) => {
  expect(ago(new Date(NOW - seconds * 1_000).toISOString(), NOW)).toBe(said);
});
