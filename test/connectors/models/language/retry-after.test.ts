import { expect, test } from 'vitest';
import { retryAfterMs } from '../../../../connectors/models/language/retry-after.ts';

const now = Date.parse('2026-01-01T00:00:00Z');

test.each([
  [{}, null],
  [{ 'retry-after': '3' }, 3_000],
  [{ 'retry-after': '0.5' }, 500],
  [{ 'retry-after': 'Thu, 01 Jan 2026 00:01:00 GMT' }, 60_000],
  [{ 'retry-after': 'Wed, 31 Dec 2025 23:00:00 GMT' }, 0],
  [{ 'retry-after': 'soon' }, null],
  [{ 'retry-after': '9e99' }, null],
  [{ 'retry-after-ms': '120', 'retry-after': '1' }, 120],
])('%j asks to wait %s ms', (headers: Record<string, string>, expected) => {
  expect(retryAfterMs(headers, now)).toBe(expected);
});
