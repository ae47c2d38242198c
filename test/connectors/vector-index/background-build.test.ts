/** When recent rows become a graph: not at every turn of a load, soon after it, and at once where memory fills. */
import { expect, test, vi } from 'vitest';
import { noArrivals, withArrivals } from '../../../connectors/vector-index/arrival-rate.ts';
import {
  BackgroundBuild,
  nextBuild,
  type Standing,
} from '../../../connectors/vector-index/background-build.ts';

const standing = (
  large: number,
  recent: number,
  { small = 0, removed = { large: 0, small: 0 }, crowded = false } = {},
): Standing => ({ built: { large, small }, removed, recent, crowded });

test('a graph that is quick to make is built at a fifth of it, from 4,000 rows on', () => {
  expect(nextBuild(standing(0, 3_999), 0)).toBe(undefined);
  expect(nextBuild(standing(0, 4_000), 0)).toBe('large');
  expect(nextBuild(standing(50_000, 9_999), 0)).toBe(undefined);
  expect(nextBuild(standing(50_000, 10_000), 0)).toBe('large');
  expect(nextBuild(standing(50_000, 0, { removed: { large: 10_000, small: 0 } }), 0)).toBe('large');
  expect(nextBuild(standing(5_000, 2_000, { removed: { large: 1_999, small: 0 } }), 0)).toBe(undefined);
  expect(nextBuild(standing(5_000, 2_000, { removed: { large: 2_000, small: 0 } }), 0)).toBe('large');
});

test('beside one that is not, recent rows go into a small one, at a tenth of it', () => {
  expect(nextBuild(standing(1_000_000, 3_999), 0)).toBe(undefined);
  expect(nextBuild(standing(1_000_000, 4_000), 0)).toBe('small');
  expect(nextBuild(standing(1_000_000, 7_999, { small: 80_000 }), 0)).toBe(undefined);
  expect(nextBuild(standing(1_000_000, 8_000, { small: 80_000 }), 0)).toBe('small');
  expect(nextBuild(standing(1_000_000, 0, { small: 80_000, removed: { large: 0, small: 8_000 } }), 0)).toBe(
    'small',
  );
});

test('both go into the next large one at a tenth of it, and so do removals', () => {
  expect(nextBuild(standing(1_000_000, 8_000, { small: 91_999 }), 0)).toBe(undefined);
  expect(nextBuild(standing(1_000_000, 8_000, { small: 92_000 }), 0)).toBe('large');
  expect(nextBuild(standing(1_000_000, 0, { small: 100_000 }), 0)).toBe(undefined);
  expect(nextBuild(standing(1_000_000, 0, { removed: { large: 100_000, small: 0 } }), 0)).toBe('large');
});

test('while the large one cannot be built, the small one goes on', () => {
  const full = standing(1_000_000, 10_000, { small: 95_000 });
  expect(nextBuild(full, 0)).toBe('large');
  expect(nextBuild(full, 0, undefined, true)).toBe('small');
  expect(nextBuild(standing(1_000_000, 9_000, { small: 95_000 }), 0, undefined, true)).toBe(undefined);
  expect(nextBuild(standing(1_000_000, 9_000, { small: 95_000, crowded: true }), 0, undefined, true)).toBe(
    'small',
  );
});

test('a very large one has no more beside it than is made in seconds', () => {
  expect(nextBuild(standing(9_000_000, 20_000, { small: 179_999 }), 0)).toBe('small');
  expect(nextBuild(standing(9_000_000, 20_000, { small: 180_000 }), 0)).toBe('large');
});

test('during a load it waits for 50,000 rows, or for memory that fills', () => {
  expect(nextBuild(standing(0, 49_999), 5_000)).toBe(undefined);
  expect(nextBuild(standing(0, 50_000), 5_000)).toBe('large');
  expect(nextBuild(standing(1_000_000, 49_999), 5_000)).toBe(undefined);
  expect(nextBuild(standing(1_000_000, 50_000), 5_000)).toBe('small');
  expect(nextBuild(standing(1_000_000, 50_000, { small: 50_000 }), 5_000)).toBe('large');
  expect(nextBuild(standing(0, 9_000, { crowded: true }), 5_000)).toBe('large');
  expect(nextBuild(standing(1_000_000, 9_000, { crowded: true }), 5_000)).toBe('small');
  expect(nextBuild(standing(0, 0, { crowded: true }), 0)).toBe(undefined);
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
      standing: () => standing(0, tried > 1 ? 0 : 60_000, { crowded: true }),
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
