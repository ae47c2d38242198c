/** The `freshet` command: finds the noun, loads it alone, and turns what was thrown into one clear line and an exit code. */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command, CommanderError } from 'commander';
import { ERROR_CODES, toFreshetError } from '../schemas/errors.ts';
import { ownField } from '../schemas/own-field.ts';
import type { Surroundings } from './commands/surroundings.ts';
import { folderError } from './folder-error.ts';
import { outliveReaders } from './outlive-readers.ts';
import { printable } from './output.ts';
import { refuseEmpty } from './refuse-empty.ts';

interface Noun {
  readonly says: string;
  /** Adds the noun's commands; loaded when it is asked for, as one noun needs a tenth of what all need. */
  readonly load: () => Promise<(freshet: Command, surroundings: Surroundings) => void>;
}

const roles = (says: string): Noun => ({
  says,
  load: async () => (await import('./commands/roles.ts')).addRoleCommands,
});

const NOUNS: Readonly<Record<string, Noun>> = {
  up: {
    says: 'start everything on this machine; --check proves the main job',
    load: async () => (await import('./commands/up.ts')).addUpCommand,
  },
  init: {
    says: 'look at your own database and write a configuration for its tables',
    load: async () => (await import('./commands/init.ts')).addInitCommand,
  },
  prepare: {
    says: 'download what a start would, and start nothing',
    load: async () => (await import('./commands/prepare.ts')).addPrepareCommand,
  },
  doctor: {
    says: 'each server, connector, topic and role: fine, or what to do',
    load: async () => (await import('./commands/doctor.ts')).addDoctorCommand,
  },
  search: {
    says: 'the chunks nearest in meaning, with the age of each',
    load: async () => (await import('./commands/search.ts')).addSearchCommand,
  },
  document: {
    says: 'documents: where they come from (trace), and results of agents out of the context (withdraw)',
    load: async () => (await import('./commands/document.ts')).addDocumentCommand,
  },
  freshness: {
    says: 'how old what is found is: status, watch',
    load: async () => (await import('./commands/freshness.ts')).addFreshnessCommand,
  },
  source: {
    says: 'the databases that changes come from: list, status, snapshot, pause, resume',
    load: async () => (await import('./commands/source.ts')).addSourceCommand,
  },
  task: {
    says: 'requests to agents: submit, list, show, watch, cancel, approve, feedback',
    load: async () => (await import('./commands/task.ts')).addTaskCommand,
  },
  agent: {
    says: 'who works on tasks, and the switch that stops them: list, kill, revive',
    load: async () => (await import('./commands/agent.ts')).addAgentCommands,
  },
  execution: {
    says: 'runs of tasks, step by step: list, show, diff',
    load: async () => (await import('./commands/execution.ts')).addExecutionCommand,
  },
  replay: {
    says: 'run executions again on their recorded results, under another version, or on from a step',
    load: async () => (await import('./commands/replay.ts')).addReplayCommand,
  },
  behaviour: {
    says: 'versions of agents, and which of them new tasks run under: list, deploy, promote, rollback',
    load: async () => (await import('./commands/behaviour.ts')).addBehaviourCommands,
  },
  'dead-letter': {
    says: 'records that could not be processed: list, show, redrive',
    load: async () => (await import('./commands/dead-letter.ts')).addDeadLetterCommands,
  },
  quarantine: {
    says: 'documents that a gate refused: list, show, release, redrive, drop',
    load: async () => (await import('./commands/quarantine.ts')).addQuarantineCommands,
  },
  gate: {
    says: 'the checks of documents, tried before they act: test, dry-run',
    load: async () => (await import('./commands/gate.ts')).addGateCommand,
  },
  cost: {
    says: 'what executions cost: report',
    load: async () => (await import('./commands/cost.ts')).addCostCommand,
  },
  memory: {
    says: 'what agents remember: show, forget, repair',
    load: async () => (await import('./commands/memory.ts')).addMemoryCommands,
  },
  safety: {
    says: 'what holds agents in hand: show (waiting approvals, halts, refusals, switches, breakers)',
    load: async () => (await import('./commands/safety.ts')).addSafetyCommands,
  },
  audit: {
    says: 'who changed what, and why: list',
    load: async () => (await import('./commands/audit.ts')).addAuditCommands,
  },
  budget: {
    says: 'money of a day, per agent and tenant: show, set',
    load: async () => (await import('./commands/budget.ts')).addBudgetCommands,
  },
  events: {
    says: 'the journal as it is written: tail',
    load: async () => (await import('./commands/events.ts')).addEventsCommand,
  },
  reset: {
    says: 'forget all data of this folder',
    load: async () => (await import('./commands/reset.ts')).addResetCommand,
  },
  pipeline: roles('role: changes to documents; journal to task states, results and costs'),
  index: roles(
    'role: documents to the vector index, and its searches; also status, verify, rebuild, reembed, lanes, cutover, revert, finish, abandon',
  ),
  agents: roles('role: tasks to executions'),
  gateway: roles('role: HTTP, event streams, dashboard'),
};

const usage = (): string => {
  const nouns = Object.entries(NOUNS).map(([name, { says }]) => `  ${name.padEnd(12)} ${says}`);
  return [
    'freshet: fresh context for AI agents, on Kafka',
    '',
    'npx freshet <noun> [verb] [--json]; --help after any of them; --version',
    '',
    ...nouns,
    '',
  ].join('\n');
};

export const main = async (argv: readonly string[], environment: NodeJS.ProcessEnv): Promise<void> => {
  outliveReaders();
  const surroundings: Surroundings = { root: resolve(environment.FRESHET_ROOT ?? ''), environment };
  const [, , name = '--help'] = argv;
  if (name === '--version' || name === '-V') {
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
    process.stdout.write(`freshet ${version}, Node ${process.versions.node}\n`);
    return;
  }
  const noun = ownField(NOUNS, name);
  if (!noun) {
    const asked = name === '--help' || name === '-h' || name === 'help';
    (asked ? process.stdout : process.stderr).write(
      asked ? usage() : `freshet: usage: there is no ${name}\n\n${usage()}`,
    );
    process.exitCode = asked ? 0 : ERROR_CODES.usage.exit;
    return;
  }
  try {
    const freshet = new Command('freshet').exitOverride();
    freshet.hook('preAction', (_, command) => refuseEmpty(command));
    (await noun.load())(freshet, surroundings);
    await freshet.parseAsync([...argv]);
  } catch (thrown) {
    if (thrown instanceof CommanderError) {
      process.exitCode = thrown.exitCode === 0 ? 0 : ERROR_CODES.usage.exit;
      return;
    }
    const unexpected = toFreshetError(thrown);
    const error = folderError(unexpected) ?? unexpected;
    // A message may name what stood in a record: a terminal would obey its escape sequences.
    process.stderr.write(printable(`freshet: ${error.code}: ${error.message}\n`));
    if (error.code === 'internal' && error.cause instanceof Error)
      process.stderr.write(printable(`${error.cause.stack ?? ''}\n`));
    process.exitCode ??= ERROR_CODES[error.code].exit;
  }
};
