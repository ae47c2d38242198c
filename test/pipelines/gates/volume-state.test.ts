/** A burst pauses a table; a backlog, a batch tried again and slow deletes don't. */
import { expect, test } from 'vitest';
import { createVolumeWatch } from '../../../pipelines/gates/volume-state.ts';

const TABLE = { source: 'shop', table: 'public.a' };
const LIMITS = { action: 'pause', windowMs: 60_000, atLeast: 100, share: 0.5 } as const;
const SECOND = 1_000_000;

const noted = (count: number, held: number, changeOf: (at: number) => { at: number; offset: number }) => {
  const watch = createVolumeWatch(() => held);
  return Array.from({ length: count }, (_, number) => {
    const { at, offset } = changeOf(number);
    return watch.note(TABLE, 'deletes', LIMITS, { at, position: { partition: 0, offset } });
  }).find((reason) => reason !== null);
};

test('half of the documents deleted within the window', () => {
  expect(noted(200, 100, (number) => ({ at: number * 1_000, offset: number }))).toMatch(
    /^volume: \d+ deletes within 60 s/,
  );
});

test('a backlog of one delete a second, worked off at once, is no burst', () => {
  expect(noted(1_800, 100, (number) => ({ at: number * SECOND, offset: number }))).toBeUndefined();
});

test('a batch that is tried again and again counts once', () => {
  expect(noted(1_800, 100, (number) => ({ at: number, offset: number % 8 }))).toBeUndefined();
});

test('a topic made anew is counted from its beginning', () => {
  const watch = createVolumeWatch(() => 100);
  const note = (offset: number, at: number) =>
    watch.note(TABLE, 'deletes', LIMITS, { at, position: { partition: 0, offset } });
  expect(note(1_000_000, 0)).toBeNull();
  const later = 3_600 * SECOND;
  expect(Array.from({ length: 200 }, (_, at) => note(at, later + at)).some((reason) => reason !== null)).toBe(
    true,
  );
});
