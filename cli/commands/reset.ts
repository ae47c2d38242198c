/** `freshet reset`: forgets all data of this folder; what was downloaded stays. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { forgetDockerStack, isDockerStack } from '../../connectors/stack/docker-stack.ts';
import { endLeftServers } from '../../connectors/stack/server-records.ts';
import { outsideFolders } from '../../connectors/stack/servers/postgres-folders.ts';
import { lockStack } from '../../connectors/stack/stack-lock.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { findRun, serverFolderOf } from '../run-file.ts';
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
          `Freshet runs here (process ${run.pid}); stop it with Ctrl-C first`,
        );
      const folder = serverFolderOf(root);
      // What starts or stops has no run file yet, or none any more.
      const lock = await lockStack(folder);
      try {
        await endLeftServers(folder);
        if (isDockerStack(folder)) await forgetDockerStack({ dataDirectory: folder, environment });
        for (const outside of outsideFolders(folder)) rmSync(outside, { recursive: true, force: true });
        rmSync(join(root, '.freshet'), { recursive: true, force: true });
      } finally {
        await lock.release();
      }
      process.stderr.write('  all data of this folder is forgotten; npm start makes it anew\n');
    });
};
