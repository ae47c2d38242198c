import { expect, test } from 'vitest';
import { createDriftWatch } from '../../../pipelines/gates/drift-state.ts';

const PLACE = { source: 'shop', table: 'public.a', tenant: 'acme' };
const LIMITS = { deviations: 6, afterChunks: 50 };
/** Around the first axis, spread evenly by a little. */
const near = (at: number): Float32Array =>
  Float32Array.from([1, 0.2 * Math.sin(at), 0.2 * Math.cos(at * 1.7), 0]);
const FAR = Float32Array.from([0, 0, 0, 1]);

const learned = (count: number) => {
  const watch = createDriftWatch();
  for (let at = 0; at < count; at += 1) watch.learn(PLACE, [near(at)]);
  return watch;
};

test('a vector far from the centroid is found, with its place among the vectors; those like the others are not', () => {
  const watch = learned(60);
  expect(watch.farthest(PLACE, [near(7), near(99), FAR], LIMITS)).toMatchObject({ at: 2 });
  expect(watch.farthest(PLACE, [near(123), near(4_000)], LIMITS)).toBeUndefined();
});

test('nothing is found until enough is known, nor by what another tenant or table has', () => {
  expect(learned(49).farthest(PLACE, [FAR], LIMITS)).toBeUndefined();
  for (const other of [{ tenant: 'brim' }, { table: 'public.b' }, { source: 'crm' }])
    expect(learned(60).farthest({ ...PLACE, ...other }, [FAR], LIMITS)).toBeUndefined();
});

test('texts that are all alike leave room for one that is nearly so', () => {
  const watch = createDriftWatch();
  for (let at = 0; at < 60; at += 1) watch.learn(PLACE, [near(1)]);
  const nearly = Float32Array.from(near(1), (value) => value + 0.02);
  expect(watch.farthest(PLACE, [nearly], LIMITS)).toBeUndefined();
  expect(watch.farthest(PLACE, [FAR], LIMITS)).toMatchObject({ at: 0 });
});

test('places are bounded: the one longest left alone is forgotten', () => {
  const watch = learned(60);
  for (let at = 0; at < 300; at += 1) watch.learn({ ...PLACE, tenant: `t${at}` }, [near(at)]);
  expect(watch.farthest(PLACE, [FAR], LIMITS)).toBeUndefined();
});

test('what a batch learns it judges by at once, and others only once it counts: tried again, it has taught nothing', () => {
  const limits = { ...LIMITS, afterChunks: 100 };
  const watch = learned(60);
  const failed = watch.stage();
  for (let at = 60; at < 110; at += 1) failed.learn(PLACE, [near(at)]);
  expect(failed.farthest(PLACE, [FAR], limits)).toMatchObject({ at: 0 });
  expect(watch.farthest(PLACE, [FAR], limits)).toBeUndefined();

  const [first, second] = [watch.stage(), watch.stage()];
  for (let at = 60; at < 80; at += 1) first.learn(PLACE, [near(at)]);
  for (let at = 80; at < 100; at += 1) second.learn(PLACE, [near(at)]);
  second.commit();
  first.commit();
  first.commit();
  // Both are in, each once.
  expect(watch.farthest(PLACE, [FAR], limits)).toMatchObject({ at: 0 });
  expect(watch.farthest(PLACE, [FAR], { ...limits, afterChunks: 101 })).toBeUndefined();
});
