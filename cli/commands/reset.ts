/** `freshet reset`: forgets all data of this folder; what was downloaded stays. */
import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { filesOfVolumes, forgetDockerStack, isDockerStack } from '../../connectors/stack/docker-stack.ts';
import { endLeftServers } from '../../connectors/stack/server-records.ts';
import { outsideFolders } from '../../connectors/stack/servers/postgres-folders.ts';
import { lockStack, STACK_LOCK } from '../../connectors/stack/stack-lock.ts';
import { FreshetError, toFreshetError } from '../../schemas/errors.ts';
import { AT_TERMINAL, askAtTerminal, type Consent } from '../consent.ts';
import { createOutput } from '../output.ts';
import { findRun, serverFolderOf, unlessAnother } from '../run-file.ts';
import { staysInSources } from '../stays-in-sources.ts';
import type { Surroundings } from './surroundings.ts';

interface ResetOptions extends Omit<Consent, 'reason'> {
  readonly config: string;
}

export const addResetCommand = (freshet: Command, { root, environment }: Surroundings): void => {
  freshet
    .command('reset')
    .description('forget all data of this folder; what stays in your databases is named')
    .option('--dry-run', 'say what would be forgotten, and forget nothing')
    .option('--yes', AT_TERMINAL)
    .option('--config <file>', 'whose sources are named', 'freshet.config.ts')
    .option('--json', 'JSON')
    .action(async (options: ResetOptions) => {
      const { dryRun = false, json = false } = options;
      askAtTerminal('forget all data of this folder', options);
      const run = findRun(root);
      if (run)
        throw new FreshetError(
          'already-running',
          `Freshet runs here (process ${run.pid}); stop it with Ctrl-C first${unlessAnother(root, run)}`,
        );
      const known = await staysInSources(resolve(root, options.config));
      const { paths, left }: Forgotten = dryRun ? { paths: toForget(root) } : await forget(root, environment);
      const output = createOutput(json);
      if (json) output.print({ dryRun, paths, stays: known.stays }, () => '');
      if (known.stays === null) output.talk(`  what stays in your databases is not known: ${known.unknown}`);
      const there = (known.stays ?? []).map(({ source, remove }) =>
        [`stays in the database of ${source}, to be removed there:`, ...remove].join('\n    '),
      );
      if (!json && !dryRun) for (const each of there) output.talk(`  ${each}`);
      if (left) throw left;
      if (json) return;
      if (!dryRun) return output.talk('  all data of this folder is forgotten; npm start makes it anew');
      const gone = paths.map((path) => `would forget ${path}`);
      output.print([...(gone.length === 0 ? ['nothing is held here'] : gone), ...there], (lines) =>
        lines.join('\n'),
      );
    });
};

interface Forgotten {
  readonly paths: readonly string[];
  /** Why what containers keep is left, where Docker does not do as told. */
  readonly left?: FreshetError | undefined;
}

const forget = async (root: string, environment: NodeJS.ProcessEnv): Promise<Forgotten> => {
  const folder = serverFolderOf(root);
  // What starts or stops has no run file yet, or none any more.
  const lock = await lockStack(folder);
  let paths: readonly string[];
  let left: FreshetError | undefined;
  try {
    await endLeftServers(folder);
    if (isDockerStack(folder))
      left = await forgetDockerStack({ dataDirectory: folder, environment }).then(
        () => undefined,
        toFreshetError,
      );
    const kept = left ? filesOfVolumes(folder) : [];
    paths = toForget(root).filter((path) => !kept.includes(path));
    for (const each of paths) rmSync(each, { recursive: true, force: true });
  } finally {
    await lock.release();
  }
  removeEmptyFolders(root);
  return { paths, left };
};

/** Files and folders; what containers keep in Docker's volumes goes with the mark of their folder. */
const toForget = (root: string): readonly string[] => [
  ...outsideFolders(serverFolderOf(root)),
  ...besideLock(root),
];

/** From the folder of the servers up to .freshet. */
const foldersOf = (root: string): readonly string[] => {
  const servers = serverFolderOf(root);
  return [servers, dirname(servers), dirname(dirname(servers))];
};

/** All but the lock and the folders around it: without its lock, a folder could be taken while its data goes. */
const besideLock = (root: string): readonly string[] => {
  const folders = foldersOf(root);
  return folders.filter(existsSync).flatMap((folder) =>
    readdirSync(folder)
      .map((name) => join(folder, name))
      .filter((path) => !folders.includes(path) && !path.startsWith(join(folders[0] ?? '', STACK_LOCK))),
  );
};

const removeEmptyFolders = (root: string): void => {
  try {
    for (const folder of foldersOf(root)) rmdirSync(folder);
  } catch {
    // Another has begun there, or the folder is a volume or a link: it stays, and harms nobody.
  }
};
