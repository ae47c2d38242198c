import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BEHIND_LIMIT, nextStep, startPace } from '../../../connectors/sample-source/pace.ts';

test('a schedule does not drift: work that takes less than its share of time is done on the dot', () => {
  let pace = startPace(8, 1_000);
  let now = 1_000;
  for (let index = 0; index < 10_000; index += 1) {
    const step = nextStep(pace, now);
    expect(step.skipped).toBe(0);
    now += step.wait;
    expect(now).toBe(1_000 + index * 125);
    pace = step.pace;
    now += index % 100;
  }
});

test('a slow database is never owed more than the limit, and nothing is counted twice', () => {
  const delays = fc.array(fc.integer({ min: 0, max: 5_000 }), { maxLength: 200 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 500 }), delays, (perSecond, slow) => {
      let pace = startPace(perSecond, 0);
      let now = 0;
      let done = 0;
      let skipped = 0;
      for (const delay of slow) {
        const step = nextStep(pace, now);
        now += step.wait;
        const due = (step.pace.index - 1) * step.pace.interval;
        expect(now - due).toBeLessThanOrEqual(BEHIND_LIMIT + 0.001);
        expect(due - now).toBeLessThanOrEqual(0.001);
        done += 1;
        skipped += step.skipped;
        pace = step.pace;
        expect(pace.index).toBe(done + skipped);
        now += delay;
      }
    }),
  );
});
