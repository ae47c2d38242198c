/** What changes things: why, which is audited; a dry run; and a yes where something goes for good or many are touched at once. */
import { type Command, Option } from 'commander';
import { FreshetError } from '../schemas/errors.ts';

export interface Consent {
  readonly reason?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** As --help says it. */
export const AT_TERMINAL = 'required at a terminal; elsewhere it goes on without';

interface ConsentHelp {
  /** When it must be said; left out of a verb that never asks for it, whose help leaves it out too. */
  readonly yes?: string;
  /** What goes for good has one, audited. */
  readonly needsReason?: boolean;
  readonly json?: string;
}

/** Every verb takes the same words, so that a script need not know which asks. */
export const withConsent = (
  command: Command,
  { yes, needsReason = false, json = 'JSON' }: ConsentHelp = {},
): Command =>
  command
    .option('--reason <why>', needsReason ? 'why, audited; required' : 'why, audited')
    .option('--dry-run', 'say what would be done, and do nothing')
    .addOption(new Option('--yes', yes ?? 'not asked for').hideHelp(yes === undefined))
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
  // A gateway wants one of a dry run too, and keeps it nowhere.
  if (options.dryRun) return options.reason ?? 'a dry run';
  if (options.reason === undefined)
    throw new FreshetError('usage', `say why with --reason: a ${verb} is audited`);
  requireYes(verb, options, '--dry-run to see what it would take away');
  return options.reason;
};
