import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mayJoin } from '../../../agents/safety/admission-state.ts';
import { type RateLimits, type TokenBucket, takeToken } from '../../../agents/safety/rate-state.ts';

const limits = fc.record({
  perSecond: fc.integer({ min: 1, max: 100 }),
  burst: fc.integer({ min: 1, max: 50 }),
});

/** Allowed of those that come at these times. */
const run = (times: readonly number[], of: RateLimits): readonly number[] => {
  let bucket: TokenBucket | undefined;
  return times.filter((now) => {
    const taken = takeToken(bucket, of, now);
    bucket = taken.bucket;
    return taken.verdict.allowed;
  });
};

test('never more than the burst and the rate allow, in any stretch of time, whatever the clock does', () => {
  fc.assert(
    fc.property(limits, fc.array(fc.integer({ min: -50, max: 400 }), { maxLength: 200 }), (of, gaps) => {
      let now = 0;
      const times = gaps.map((gap) => {
        now += gap;
        return now;
      });
      const allowed = run(times, of);
      const span = Math.max(0, ...times) - Math.min(0, ...times);
      expect(allowed.length).toBeLessThanOrEqual(of.burst + (span * of.perSecond) / 1_000 + 1e-6);
    }),
  );
});

test('who waits as long as it was told is let in', () => {
  fc.assert(
    fc.property(limits, (of) => {
      let bucket: TokenBucket | undefined;
      for (let at = 0; at < of.burst; at += 1) ({ bucket } = takeToken(bucket, of, 0));
      const refused = takeToken(bucket, of, 0).verdict;
      if (refused.allowed) throw new Error('the burst is over');
      expect(takeToken(bucket, of, refused.retryAfterMs).verdict.allowed).toBe(true);
    }),
  );
});

test('a queue that one tenant has filled lets another in, and has an end', () => {
  const bound = 100;
  expect(mayJoin({ inPartition: 99, ofTenant: 99, tenants: 1 }, bound)).toBe(true);
  expect(mayJoin({ inPartition: 100, ofTenant: 100, tenants: 1 }, bound)).toBe(false);
  expect(mayJoin({ inPartition: 100, ofTenant: 0, tenants: 2 }, bound)).toBe(true);
  expect(mayJoin({ inPartition: 150, ofTenant: 50, tenants: 2 }, bound)).toBe(false);
  expect(mayJoin({ inPartition: 200, ofTenant: 0, tenants: 40 }, bound)).toBe(false);
});
