/** What a verb that changes things asks for. */
import { expect, test } from 'vitest';
import { askAtTerminal, asked, consent, requireYes } from '../../cli/consent.ts';

test('a yes is asked for, or a dry run in its place', () => {
  expect(() => requireYes('drop all', {})).toThrow('say --yes to drop all, or --dry-run');
  requireYes('drop all', { yes: true });
  requireYes('drop all', { dryRun: true });
});

test('what was called before there was a yes asks for it at a terminal alone', () => {
  expect(() => askAtTerminal('rebuild', {}, true)).toThrow('say --yes to rebuild');
  askAtTerminal('rebuild', { yes: true }, true);
  askAtTerminal('rebuild', {}, false);
});

test('what goes for good has a reason, also in a dry run', () => {
  expect(() => consent('forget', { yes: true })).toThrow('--reason');
  expect(() => consent('forget', { dryRun: true })).toThrow('--reason');
  expect(() => consent('forget', { reason: 'asked to' })).toThrow('--yes');
  expect(consent('forget', { reason: 'asked to', dryRun: true })).toBe('asked to');
});

test('a request says no reason where none was given', () => {
  expect(asked({})).toEqual({ dryRun: false });
  expect(asked({ reason: 'late', dryRun: true, yes: true, json: true })).toEqual({
    reason: 'late',
    dryRun: true,
  });
});
