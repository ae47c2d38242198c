import { expect, test } from 'vitest';
import { isAwayTooLong } from '../../pipelines/away-too-long.ts';
import { MARKER_ENDS_KEPT_MS } from '../../schemas/topics.ts';

const DAY_MS = 86_400_000;

test('a table begins anew before the end of a marker can be gone that it has not read, and one that holds nothing never', () => {
  const writtenAt = 1_790_000_000_000;
  const after = (ms: number): boolean => isAwayTooLong(writtenAt, (writtenAt + ms) * 1_000);
  expect(after(MARKER_ENDS_KEPT_MS)).toBe(true);
  expect(after(MARKER_ENDS_KEPT_MS - DAY_MS)).toBe(true);
  expect(after(20 * DAY_MS)).toBe(false);
  // Clocks that go back are no reason.
  expect(after(-DAY_MS)).toBe(false);
  expect(isAwayTooLong(undefined, writtenAt * 1_000)).toBe(false);
});
