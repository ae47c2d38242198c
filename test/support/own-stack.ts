import { readdirSync } from 'node:fs';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { artifactsIn } from '../../connectors/stack/artifacts.ts';
import { cacheDirectoryOf } from '../../connectors/stack/cache-directory.ts';
import { tryLock } from '../../connectors/stack/owner-lock.ts';
import { endLeftServers } from '../../connectors/stack/server-records.ts';
import { outsideFolders } from '../../connectors/stack/servers/postgres-folders.ts';
import { type Stack, type StackOptions, startStack } from '../../connectors/stack/start-stack.ts';

const PREFIX = 'freshet-test-';
const YOUNG_MS = 60_000;
const JAVA = ['connect', 'schemaRegistry', 'kafka'] as const;

export type TestStack = Stack & { readonly dataDirectory: string };

/** A stack on free ports in a fresh temporary folder. Its `stop` removes the folder too. */
export const startTestStack = async (
  options: Pick<
    StackOptions,
    'servers' | 'plugins' | 'ports' | 'workerSettings' | 'onProgress' | 'onServerExit'
  > = {},
): Promise<TestStack> => {
  await removeLeftFolders();
  const dataDirectory = await mkdtemp(join(tmpdir(), PREFIX));
  const cacheDirectory = cacheDirectoryOf(process.env);
  const forget = async (): Promise<void> => {
    for (const folder of [dataDirectory, ...outsideFolders(dataDirectory)]) {
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    }
  };
  try {
    const stack = await startStack({
      dataDirectory,
      cacheDirectory,
      ports: 'free',
      environment: process.env,
      ...options,
    });
    return {
      ...stack,
      dataDirectory,
      stop: async () => {
        if (!saysGoodbye(cacheDirectory)) await Promise.all(JAVA.map((name) => stack.killServer(name)));
        await stack.stop();
        await forget();
      },
    };
  } catch (error) {
    await forget();
    throw error;
  }
};

/**
 * Java's servers say goodbye for seconds, to a folder that is removed: only the first of each on a machine, for it leaves what later ones
 * start quickly with.
 */
const saysGoodbye = (cacheDirectory: string): boolean => {
  const left = readdirSync(artifactsIn(cacheDirectory).archiveDirectory);
  return left.filter((name) => name.endsWith('.jsa')).length < JAVA.length;
};

/** What earlier runs left that were killed. */
const removeLeftFolders = async (): Promise<void> => {
  const names = await readdir(tmpdir());
  for (const name of names.filter((candidate) => candidate.startsWith(PREFIX))) {
    const directory = join(tmpdir(), name);
    // One that was made a moment ago is another run's, which has not locked it yet.
    const made = await stat(directory).catch(() => undefined);
    if (!made || Date.now() - made.mtimeMs < YOUNG_MS) continue;
    const lock = await tryLock(join(directory, 'stack.lock'));
    if ('heldBy' in lock) continue;
    await endLeftServers(directory);
    for (const folder of [directory, ...outsideFolders(directory)]) {
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    }
  }
};
