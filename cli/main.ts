/** The `freshet` command: parses, runs one command, and turns what was thrown into one clear line and an exit code. */
import { Command, CommanderError } from 'commander';
import { ERROR_CODES, toFreshetError } from '../schemas/errors.ts';
import { addCostCommand } from './commands/cost.ts';
import { addDeadLetterCommands } from './commands/dead-letter.ts';
import { addDoctorCommand } from './commands/doctor.ts';
import { addDocumentCommand } from './commands/document.ts';
import { addEventsCommand } from './commands/events.ts';
import { addExecutionCommand } from './commands/execution.ts';
import { addFreshnessCommand } from './commands/freshness.ts';
import { addReplayCommand } from './commands/replay.ts';
import { addResetCommand } from './commands/reset.ts';
import { addRoleCommands } from './commands/roles.ts';
import { addSearchCommand } from './commands/search.ts';
import { addSourceCommand } from './commands/source.ts';
import type { Surroundings } from './commands/surroundings.ts';
import { addTaskCommand } from './commands/task.ts';
import { addUpCommand } from './commands/up.ts';

const program = (surroundings: Surroundings): Command => {
  const freshet = new Command('freshet')
    .description('Fresh context for AI agents, on Kafka.')
    .exitOverride()
    .showHelpAfterError(false);
  addUpCommand(freshet, surroundings);
  addDoctorCommand(freshet, surroundings);
  addSearchCommand(freshet, surroundings);
  addDocumentCommand(freshet, surroundings);
  addFreshnessCommand(freshet, surroundings);
  addSourceCommand(freshet, surroundings);
  addTaskCommand(freshet, surroundings);
  addExecutionCommand(freshet, surroundings);
  addReplayCommand(freshet, surroundings);
  addDeadLetterCommands(freshet, surroundings);
  addCostCommand(freshet, surroundings);
  addEventsCommand(freshet, surroundings);
  addRoleCommands(freshet, surroundings);
  addResetCommand(freshet, surroundings);
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
    if (error.code === 'internal' && error.cause instanceof Error)
      process.stderr.write(`${error.cause.stack ?? ''}\n`);
    process.exitCode = ERROR_CODES[error.code].exit;
  }
};
