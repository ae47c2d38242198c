/** `freshet reset`: forgets all data of this folder; what was downloaded stays. */
import { readdirSync, rmdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { forgetDockerStack, isDockerStack } from '../../connectors/stack/docker-stack.ts';
import { endLeftServers } from '../../connectors/stack/server-records.ts';
import { outsideFolders } from '../../connectors/stack/servers/postgres-folders.ts';
import { lockStack, STACK_LOCK } from '../../connectors/stack/stack-lock.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { findRun, serverFolderOf, unlessAnother } from '../run-file.ts';
import type { Surroundings } from './surroundings.ts';

export const addResetCommand = (freshet: Command, { root, environment }: Surroundings): void => {
  freshet
    .command('reset')
    .description('forget all data of this folder')
    .action(async () => {
      const run = findRun(root);
      if (run)
        throw new FreshetError(
          'already-running',
          `Freshet runs here (process ${run.pid}); stop it with Ctrl-C first${unlessAnother(root, run)}`,
        );
      const folder = serverFolderOf(root);
      // What starts or stops has no run file yet, or none any more.
      const lock = await lockStack(folder);
      try {
        await endLeftServers(folder);
        if (isDockerStack(folder)) await forgetDockerStack({ dataDirectory: folder, environment });
        for (const outside of outsideFolders(folder)) rmSync(outside, { recursive: true, force: true });
        for (const each of besideLock(root)) rmSync(each, { recursive: true, force: true });
      } finally {
        await lock.release();
      }
      removeEmptyFolders(root);
      process.stderr.write('  all data of this folder is forgotten; npm start makes it anew\n');
    });
};

/** From the folder of the servers up to .freshet. */
const foldersOf = (root: string): readonly string[] => {
  const servers = serverFolderOf(root);
  return [servers, dirname(servers), dirname(dirname(servers))];
};

/** All but the lock and the folders around it: without its lock, a folder could be taken while its data goes. */
const besideLock = (root: string): readonly string[] => {
  const folders = foldersOf(root);
  return folders.flatMap((folder) =>
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
