/** What changes things: why, which is audited; a dry run; and a yes where something goes for good or many are touched at once. */
import type { Command } from 'commander';
import { FreshetError } from '../schemas/errors.ts';

export interface Consent {
  readonly reason?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

export const withConsent = (command: Command, json = 'JSON'): Command =>
  command
    .option('--reason <why>', 'why, audited')
    .option('--dry-run', 'say what would be done, and do nothing')
    .option('--yes', 'without being asked')
    .option('--json', json);

/** As requests to the gateway take it. */
export const asked = ({ reason, dryRun = false }: Consent): Pick<Consent, 'reason' | 'dryRun'> => ({
  ...(reason === undefined ? {} : { reason }),
  dryRun,
});

/** `otherwise`: what to say in its place. Errors: `usage`. */
export const requireYes = (
  verb: string,
  { yes, dryRun }: Consent,
  otherwise = '--dry-run to see what it would do',
): void => {
  if (!yes && !dryRun) throw new FreshetError('usage', `say --yes to ${verb}, or ${otherwise}`);
};

/** Where standard input is no terminal it is not asked for: these verbs were called before there was a yes to say. Errors: `usage`. */
export const askAtTerminal = (
  verb: string,
  options: Consent,
  isTerminal = process.stdin.isTTY === true,
): void => {
  if (isTerminal) requireYes(verb, options);
};

/** Why something is taken away for good. Errors: `usage`. */
export const consent = (verb: string, options: Consent): string => {
  if (options.reason === undefined)
    throw new FreshetError('usage', `say why with --reason: a ${verb} is audited`);
  requireYes(verb, options, '--dry-run to see what it would take away');
  return options.reason;
};
