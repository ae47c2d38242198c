import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { flushTree } from '../files/flush-tree.ts';
import { tryLock } from './owner-lock.ts';
import { diskFullError } from './server-failure.ts';
import { cancelledStart } from './server-process.ts';

/**
 * Fills a folder once, or returns at once when it is there. It appears by a rename, so an install that is killed or loses
 * power leaves nothing that is half used, and of two processes that install at once the second waits for the first, or until
 * the signal. True when it was filled now.
 * @throws what `fill` throws; FreshetError `disk-full` or `not-running`
 */
export const installFolder = async (
  directory: string,
  progress: (detail: string) => void,
  fill: (partial: string) => Promise<void>,
  signal?: AbortSignal,
): Promise<boolean> => {
  if (existsSync(directory)) return false;
  const lock = await waitForLock(`${directory}.lock`, progress, signal);
  try {
    if (existsSync(directory)) return false;
    await removePartial(directory);
    const partial = `${directory}.${process.pid}.partial`;
    await mkdir(partial, { recursive: true });
    await fill(partial);
    // It is taken for whole from then on, after a power loss too.
    await flushTree(partial);
    await rename(partial, directory);
    return true;
  } catch (error) {
    throw diskFullError(error) ?? error;
  } finally {
    await lock.release();
  }
};

const waitForLock = async (file: string, progress: (detail: string) => void, signal?: AbortSignal) => {
  let told = false;
  for (;;) {
    const lock = await tryLock(file);
    if ('release' in lock) return lock;
    if (!told) progress(`waiting for process ${lock.heldBy}, which installs the same`);
    told = true;
    if (signal?.aborted) throw cancelledStart();
    await delay(200);
  }
};

const PARTIAL = /\.\d+\.partial$/;

/** What killed installs left, of this folder, whose lock is held here, and of its other versions. */
const removePartial = async (directory: string): Promise<void> => {
  const prefix = basename(directory).replace(/[^-]+$/, '');
  const left = (await readdir(dirname(directory)))
    .filter((name) => name.startsWith(prefix) && PARTIAL.test(name))
    .map((name) => join(dirname(directory), name));
  await Promise.all(
    left.map(async (partial) => {
      const version = partial.replace(PARTIAL, '');
      // Held where that version is being installed now: without its pieces of so far it would be taken for whole.
      const lock = version === directory ? undefined : await tryLock(`${version}.lock`);
      if (lock && 'heldBy' in lock) return;
      await rm(partial, { recursive: true, force: true });
      await lock?.release();
    }),
  );
};
