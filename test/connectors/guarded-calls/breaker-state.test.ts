import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  afterCall,
  type Breaker,
  beforeCall,
  breakerSettingsOf,
  CLOSED,
  parseBreaker,
  withoutCall,
} from '../../../connectors/guarded-calls/breaker-state.ts';

const SETTINGS = { failures: 3, openMs: 1_000 };
const failed = (breaker: Breaker, now: number): Breaker => afterCall(breaker, SETTINGS, now, false);

const opened = (now: number): Breaker => failed(failed(failed(CLOSED, now), now), now);

test('it opens after so many failures in a row, and for as long', () => {
  expect(failed(failed(CLOSED, 0), 0).state).toBe('closed');
  expect(failed(afterCall(failed(failed(CLOSED, 0), 0), SETTINGS, 0, true), 0).state).toBe('closed');
  const open = opened(5);
  expect(open).toEqual({ state: 'open', until: 1_005, opened: 5 });
  expect(beforeCall(open, SETTINGS, 1_004).verdict).toEqual({ allowed: false, until: 1_005, waitMs: 1 });
});

test('one trial, and no second one beside it; what it comes to decides', () => {
  const { breaker, verdict } = beforeCall(opened(0), SETTINGS, 1_000);
  expect(verdict.allowed).toBe(true);
  expect(breaker.state).toBe('half-open');
  // Nobody knows how long the trial takes.
  expect(beforeCall(breaker, SETTINGS, 1_500).verdict).toEqual({
    allowed: false,
    until: 2_000,
    waitMs: null,
  });
  expect(afterCall(breaker, SETTINGS, 1_200, true)).toEqual(CLOSED);
  expect(afterCall(breaker, SETTINGS, 1_200, false)).toEqual({ state: 'open', until: 2_200, opened: 1_200 });
  // It was not made after all: another may be, at once, and no other breaker is moved by that.
  const back = withoutCall(breaker, SETTINGS, 1_500);
  expect(beforeCall(back, SETTINGS, 1_500).verdict.allowed).toBe(true);
  for (const each of [CLOSED, opened(0)]) expect(withoutCall(each, SETTINGS, 1_500)).toBe(each);
  // Whoever made the trial is gone.
  expect(beforeCall(breaker, SETTINGS, 2_000).verdict.allowed).toBe(true);
});

test('a call that ends late neither closes an open breaker nor keeps it open for longer', () => {
  const open = opened(0);
  expect(afterCall(open, SETTINGS, 500, true)).toBe(open);
  expect(afterCall(open, SETTINGS, 500, false)).toBe(open);
});

test('what was allowed before the breaker opened and ends while it is tried neither closes nor opens it, nor lets another try', () => {
  const { breaker } = beforeCall(opened(5_000), SETTINGS, 6_100);
  for (const sinceMs of [1_200, 100_000]) {
    for (const worked of [true, false])
      expect(afterCall(breaker, SETTINGS, 6_150, worked, sinceMs)).toBe(breaker);
    expect(withoutCall(breaker, SETTINGS, 6_150, sinceMs)).toBe(breaker);
  }
  expect(afterCall(breaker, SETTINGS, 6_150, true, 50)).toEqual(CLOSED);
  // A trial that takes long goes on trying it, though another was begun meanwhile.
  const second = beforeCall(breaker, SETTINGS, 7_100).breaker;
  expect(afterCall(second, SETTINGS, 7_150, true, 1_050)).toEqual(CLOSED);
  // One that was given back tries the same opening.
  const again = beforeCall(withoutCall(breaker, SETTINGS, 6_150, 50), SETTINGS, 6_160).breaker;
  expect(afterCall(again, SETTINGS, 6_200, true, 1_300)).toBe(again);
  // As older workers wrote it: nobody knows when it opened.
  expect(afterCall({ state: 'half-open', until: 7_100 }, SETTINGS, 6_150, true, 100_000)).toEqual(CLOSED);
});

test('while it is broken, at most one call goes out for each time that it is open', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 50, maxLength: 200 }), (gaps) => {
      let breaker = opened(0);
      let now = 0;
      let calls = 0;
      for (const gap of gaps) {
        now += gap;
        const asked = beforeCall(breaker, SETTINGS, now);
        breaker = asked.breaker;
        if (!asked.verdict.allowed) continue;
        calls += 1;
        breaker = failed(breaker, now);
      }
      expect(calls).toBeLessThanOrEqual(Math.floor(now / SETTINGS.openMs));
    }),
  );
});

test('models are left alone for 30 seconds, tools for 60; what is no breaker is not read as one', () => {
  expect(breakerSettingsOf('model:gpt')).toEqual({ failures: 5, openMs: 30_000 });
  expect(breakerSettingsOf('tool:crm')).toEqual({ failures: 5, openMs: 60_000 });
  expect(parseBreaker(JSON.stringify(opened(0)))).toEqual(opened(0));
  for (const text of ['', '{', 'null', '{"state":"open"}', '{"state":"ajar","until":1}'])
    expect(parseBreaker(text)).toBeUndefined();
});
