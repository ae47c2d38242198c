import { join } from 'node:path';
import { FreshetError } from '../../schemas/errors.ts';
import { type OwnerLock, tryLock } from './owner-lock.ts';

/** In the data directory. What waits for it has a file beside it whose name begins so too. */
export const STACK_LOCK = 'stack.lock';

/**
 * Takes a data directory for this process: for as long as its servers start, run and stop, or while it is forgotten.
 * @throws FreshetError `already-running`
 */
export const lockStack = async (dataDirectory: string): Promise<OwnerLock> => {
  const file = join(dataDirectory, STACK_LOCK);
  const lock = await tryLock(file);
  if ('release' in lock) return lock;
  throw new FreshetError(
    'already-running',
    `Process ${lock.heldBy} runs a stack in ${dataDirectory}, or still starts or stops one: stop it first or choose another folder. If that process is another program, delete ${file}.`,
  );
};
