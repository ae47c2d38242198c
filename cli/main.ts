/** The `freshet` command: parses, runs one command, and turns what was thrown into one clear line and an exit code. */
import { Command, CommanderError } from 'commander';
import { ERROR_CODES, toFreshetError } from '../schemas/errors.ts';
import { addRoleCommands } from './commands/roles.ts';
import { addUpCommand } from './commands/up.ts';

/** What commands know of their process; nothing else reads it. */
export interface Surroundings {
  readonly root: string;
  readonly environment: NodeJS.ProcessEnv;
}

const program = (surroundings: Surroundings): Command => {
  const freshet = new Command('freshet').description('Fresh context for AI agents, on Kafka.').exitOverride().showHelpAfterError(false);
  addUpCommand(freshet, surroundings);
  addRoleCommands(freshet, surroundings);
  return freshet;
};

export const main = async (argv: readonly string[], environment: NodeJS.ProcessEnv): Promise<void> => {
  try {
    await program({ root: environment.FRESHET_ROOT ?? process.cwd(), environment }).parseAsync([...argv]);
  } catch (thrown) {
    if (thrown instanceof CommanderError) {
      process.exitCode = thrown.exitCode === 0 ? 0 : ERROR_CODES.usage.exit;
      return;
    }
    const error = toFreshetError(thrown);
    process.stderr.write(`freshet: ${error.code}: ${error.message}\n`);
    if (error.code === 'internal' && error.cause instanceof Error) process.stderr.write(`${error.cause.stack ?? ''}\n`);
    process.exitCode = ERROR_CODES[error.code].exit;
  }
};
