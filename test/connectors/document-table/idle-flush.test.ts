/** When what was written is brought to disk: after a second without writes, again where that failed, and at opening where it is due. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CrashMarker } from '../../../connectors/document-table/crash-marker.ts';
import { IdleFlush } from '../../../connectors/document-table/idle-flush.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'freshet-idle-'));
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true, force: true });
});

const markerOf = () => new CrashMarker(join(folder, 'state'), 'boot');

const flushing = (marker: CrashMarker, failing = 0) => {
  const seen = { flushes: 0 };
  const idle = new IdleFlush(marker, async () => {
    seen.flushes += 1;
    if (seen.flushes <= failing) throw new Error('EIO');
  });
  return { idle, seen };
};

test('a flush that failed is tried again, though nothing is written any more', async () => {
  const marker = markerOf();
  const { idle, seen } = flushing(marker, 2);
  idle.writing();
  await vi.advanceTimersByTimeAsync(2_500);
  expect([seen.flushes, marker.dirty]).toEqual([2, true]);
  await vi.advanceTimersByTimeAsync(5_000);
  expect([seen.flushes, marker.dirty]).toEqual([3, false]);
});

test('what a killed process left is flushed without a write', async () => {
  markerOf().markDirty();
  const marker = markerOf();
  const { seen } = flushing(marker);
  await vi.advanceTimersByTimeAsync(5_000);
  expect([seen.flushes, marker.dirty, markerOf().dirty]).toEqual([1, false, false]);
});

test('once stopped it tries no more', async () => {
  const { idle, seen } = flushing(markerOf(), 9);
  idle.writing();
  await vi.advanceTimersByTimeAsync(1_500);
  idle.stop();
  await expect(idle.now()).rejects.toThrow('EIO');
  await vi.advanceTimersByTimeAsync(5_000);
  expect(seen.flushes).toBe(2);
});
