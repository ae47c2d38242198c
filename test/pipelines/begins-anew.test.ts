import { expect, test } from 'vitest';
import { beginsAnew } from '../../pipelines/begins-anew.ts';
import { MARKER_ENDS_KEPT_MS } from '../../schemas/topics.ts';

const NOW = 1_800_000_000_000_000;
const tableAt = (position: number | undefined, agoMs: number) => ({
  position: () => position,
  writtenAt: () => (position === undefined ? undefined : NOW / 1_000 - agoMs),
});
const anew = (position: number | undefined, latest: number, agoMs: number): boolean =>
  beginsAnew(tableAt(position, agoMs), { partition: 0, latest, now: NOW });

test('a table that was not read for so long that what it missed may be gone begins anew; one that missed nothing does not', () => {
  expect(anew(10, 11, MARKER_ENDS_KEPT_MS)).toBe(true);
  expect(anew(10, 10, 10 * MARKER_ENDS_KEPT_MS)).toBe(false);
  expect(anew(10, 11, MARKER_ENDS_KEPT_MS / 2)).toBe(false);
  expect(anew(undefined, 11, 0)).toBe(false);
});

test('one that is ahead of its log does, however young it is', () => {
  expect(anew(10, 9, 0)).toBe(true);
  expect(anew(10, 0, 0)).toBe(true);
});
