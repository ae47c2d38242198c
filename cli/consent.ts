/** What takes something away asks for a reason, which is audited, and for a yes. */
import type { Command } from 'commander';
import { FreshetError } from '../schemas/errors.ts';

/** Why something is taken away. Errors: `usage`. */
export const consent = (
  verb: string,
  options: { reason?: string; yes?: boolean; dryRun?: boolean },
): string => {
  if (options.reason === undefined)
    throw new FreshetError('usage', `say why with --reason: a ${verb} is audited`);
  if (!options.yes && !options.dryRun)
    throw new FreshetError('usage', `say --yes to ${verb}, or --dry-run to see what it would take away`);
  return options.reason;
};

export const withConsent = (command: Command): Command =>
  command
    .option('--reason <why>', 'why, audited')
    .option('--dry-run', 'say what would be done')
    .option('--yes', 'without being asked')
    .option('--json', 'JSON');

export interface Consent {
  readonly reason?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}
