/** When recent rows become a graph: not at every turn of a load, soon after it, and at once where memory fills. */
import { expect, test, vi } from 'vitest';
import { noArrivals, withArrivals } from '../../../connectors/vector-index/arrival-rate.ts';
import { BackgroundBuild, isBuildDue } from '../../../connectors/vector-index/background-build.ts';

const standing = (built: number, pending: number, crowded = false) => ({ built, pending, crowded });

test('at rest a build is due at a fifth of the graph, from 4,000 to 20,000 rows', () => {
  expect(isBuildDue(standing(0, 3_999), 0)).toBe(false);
  expect(isBuildDue(standing(0, 4_000), 0)).toBe(true);
  expect(isBuildDue(standing(50_000, 9_999), 0)).toBe(false);
  expect(isBuildDue(standing(50_000, 10_000), 0)).toBe(true);
  expect(isBuildDue(standing(1_000_000, 20_000), 0)).toBe(true);
});

test('during a load it waits for 50,000 rows, or for memory that fills', () => {
  expect(isBuildDue(standing(0, 49_999), 5_000)).toBe(false);
  expect(isBuildDue(standing(0, 50_000), 5_000)).toBe(true);
  expect(isBuildDue(standing(0, 9_000, true), 5_000)).toBe(true);
  expect(isBuildDue(standing(0, 0, true), 0)).toBe(false);
});

test('the rate is that of the last whole two seconds, and of what came since where that is more', () => {
  let rate = noArrivals(0);
  rate = withArrivals(rate, 1, 900);
  expect(rate.rowsASecond).toBe(450);
  rate = withArrivals(rate, 1_500, 2_100);
  expect(rate.rowsASecond).toBe(1_500);
  rate = withArrivals(rate, 2_500, 0);
  expect(rate.rowsASecond).toBe(1_200);
  rate = withArrivals(rate, 3_000, 600);
  expect(rate.rowsASecond).toBe(1_200);
  rate = withArrivals(rate, 4_500, 0);
  expect(rate.rowsASecond).toBe(300);
  rate = withArrivals(rate, 6_500, 0);
  expect(rate.rowsASecond).toBe(0);
});

test('a build that failed is tried again after a while, though nothing asks for it', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
  try {
    let tried = 0;
    const build = new BackgroundBuild({
      standing: () => standing(0, tried > 1 ? 0 : 60_000, true),
      build: async () => {
        tried += 1;
        if (tried === 1) throw new Error('the disk is full');
      },
    });
    build.arrived(1);
    await vi.advanceTimersByTimeAsync(50_000);
    expect([tried, build.running, build.failure?.message]).toEqual([1, false, 'the disk is full']);
    await vi.advanceTimersByTimeAsync(11_000);
    expect([tried, build.failure]).toEqual([2, undefined]);
  } finally {
    vi.useRealTimers();
  }
});

test('what a load held back is built when it has ended, though nothing is written any more', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
  try {
    let pending = 0;
    let builds = 0;
    const build = new BackgroundBuild({
      standing: () => standing(0, pending),
      build: async () => {
        builds += 1;
        pending = 0;
      },
    });
    for (let at = 0; at < 20; at += 1) {
      await vi.advanceTimersByTimeAsync(100);
      pending += 1_000;
      build.arrived(1_000);
    }
    expect([builds, pending]).toEqual([0, 20_000]);
    await vi.advanceTimersByTimeAsync(5_000);
    await build.ended();
    expect([builds, pending]).toEqual([1, 0]);
  } finally {
    vi.useRealTimers();
  }
});
