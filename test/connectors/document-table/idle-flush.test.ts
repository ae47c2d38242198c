/** When what was written is brought to disk: after a second without writes, never again where that failed, and at opening where it is due. */
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

test('a flush that failed is the last: what it left is torn, though the next one would say that all is well', async () => {
  const marker = markerOf();
  const { idle, seen } = flushing(marker, 1);
  idle.writing();
  await vi.advanceTimersByTimeAsync(10_000);
  expect([seen.flushes, marker.dirty, markerOf().torn]).toEqual([1, true, true]);
  expect(() => idle.writing()).toThrow(expect.objectContaining({ code: 'index-corrupt' }));
  await expect(idle.now()).rejects.toMatchObject({ code: 'index-corrupt' });
  expect([seen.flushes, markerOf().torn]).toEqual([1, true]);
});

test('of two flushes at once none says that all is well where the other failed', async () => {
  const { idle } = flushing(markerOf(), 1);
  idle.writing();
  const both = await Promise.allSettled([idle.now(), idle.now()]);
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(markerOf().torn).toBe(true);
});

test('what a killed process left is flushed without a write', async () => {
  markerOf().markDirty();
  const marker = markerOf();
  const { seen } = flushing(marker);
  await vi.advanceTimersByTimeAsync(5_000);
  expect([seen.flushes, marker.dirty, markerOf().dirty]).toEqual([1, false, false]);
});

test('once stopped it tries no more', async () => {
  const { idle, seen } = flushing(markerOf());
  idle.writing();
  idle.stop();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(seen.flushes).toBe(0);
});
