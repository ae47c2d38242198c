/** What a verb that changes things asks for. */
import { Command } from 'commander';
import { expect, test } from 'vitest';
import { askAtTerminal, asked, consent, requireYes, withConsent } from '../../cli/consent.ts';

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

test('what goes for good has a reason, of which a dry run needs none', () => {
  expect(() => consent('forget', { yes: true })).toThrow('--reason');
  expect(consent('forget', { dryRun: true })).toBe('a dry run');
  expect(() => consent('forget', { reason: 'asked to' })).toThrow('--yes');
  expect(consent('forget', { reason: 'asked to', dryRun: true })).toBe('asked to');
});

test('--help names what a verb asks for, and no yes where it asks for none, which is taken all the same', async () => {
  const verb = (help?: Parameters<typeof withConsent>[1]) =>
    withConsent(new Command('verb').exitOverride(), help).action(() => undefined);
  const removal = verb({ yes: 'required', needsReason: true }).helpInformation();
  expect(removal).toMatch(/--reason <why> +why, audited; required\n/);
  expect(removal).toMatch(/--yes +required\n/);
  expect(verb().helpInformation()).not.toContain('--yes');
  await verb().parseAsync(['--yes'], { from: 'user' });
});

test('a request says no reason where none was given', () => {
  expect(asked({})).toEqual({ dryRun: false });
  expect(asked({ reason: 'late', dryRun: true, yes: true, json: true })).toEqual({
    reason: 'late',
    dryRun: true,
  });
});
