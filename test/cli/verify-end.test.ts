import { expect, test } from 'vitest';
import { verifyFailure } from '../../cli/commands/verify-end.ts';
import { FreshetError } from '../../schemas/errors.ts';

const UNREADABLE = new FreshetError('source-unavailable', 'shop/public.a was not compared: away');

test('what differs is said beside a table that could not be read, whose exit code it is', () => {
  expect(verifyFailure({ left: 3, unsettled: 1 }, false, UNREADABLE)).toMatchObject({
    code: 'source-unavailable',
    message: expect.stringMatching(
      /^3 documents differ .* --repair; 1 could not be told .*; shop\/public\.a was not/,
    ),
  });
  expect(verifyFailure({ left: 0, unsettled: 0 }, false, UNREADABLE)).toBe(UNREADABLE);
});

test('without one, a difference or what could not be told fails the check, and all equal is no failure', () => {
  expect(verifyFailure({ left: 2, unsettled: 0 }, true, undefined)).toMatchObject({
    ...{ code: 'check-failed', message: '2 documents differ from their source still' },
  });
  expect(verifyFailure({ left: 0, unsettled: 2 }, false, undefined)).toMatchObject({ code: 'check-failed' });
  expect(verifyFailure({ left: 0, unsettled: 0 }, false, undefined)).toBeUndefined();
});
