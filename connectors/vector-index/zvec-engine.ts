/** The zvec library in this process: started once and silent, and what it throws in Freshet's words. */
import { ZVecInitialize, ZVecLogLevel, ZVecLogType } from '@zvec/zvec';
import { FreshetError, toError } from '../../schemas/errors.ts';
import { freeBytes } from '../document-table/free-bytes.ts';

const NO_SPACE = /ENOSPC|no space left|disk quota|disk full/i;
const LOCKED = /can't lock/i;
/** 100 rows of 384 dimensions have been seen to take 2.5 MB at once, when files grow by their step. */
export const RESERVE_BYTES = 64 * 1024 * 1024;
/** Below this an unnamed failure of a write is taken for a full disk. */
const FULL_BELOW_BYTES = 1024 * 1024;

let started = false;

/** Threads are those of the first caller in this process: zvec takes them once. */
export const startEngine = (queryThreads: number, buildThreads: number): void => {
  if (started) return;
  started = true;
  ZVecInitialize({
    // Everything reaches the caller as an error; nothing may be printed beside it.
    logType: ZVecLogType.CONSOLE,
    logLevel: ZVecLogLevel.FATAL,
    queryThreads,
    optimizeThreads: buildThreads,
  });
};

/**
 * zvec writes through memory maps: with the disk full the system ends the process (SIGBUS), where no error can be caught.
 * So writing stops while there is still room for what is under way. Errors: `disk-full`.
 */
export const requireSpace = (folder: string, doing: string, bytes = 0): void => {
  const needed = RESERVE_BYTES + bytes;
  if (freeBytes(folder) >= needed) return;
  throw new FreshetError(
    'disk-full',
    `${doing}: less than ${Math.ceil(needed / 1024 / 1024)} MiB are free for ${folder}; free space and it goes on`,
  );
};

/** `doing` is a phrase such as "writing to the vector index". Never throws. */
export const engineFailure = (
  thrown: unknown,
  doing: string,
  folder: string,
  otherwise: 'index-corrupt' | 'index-unavailable' = 'index-unavailable',
): FreshetError => {
  if (thrown instanceof FreshetError) return thrown;
  const cause = toError(thrown);
  if (NO_SPACE.test(cause.message) || freeBytes(folder) < FULL_BELOW_BYTES) {
    return new FreshetError(
      'disk-full',
      `${doing}: the disk of ${folder} is full; free space and it goes on`,
      { cause },
    );
  }
  if (LOCKED.test(cause.message)) {
    return new FreshetError(
      'index-unavailable',
      `${doing}: another process holds ${folder}; stop it, or ask it over the gateway`,
      { cause },
    );
  }
  // What the file system says, a refused access for one, is no damage.
  if ('syscall' in cause)
    return new FreshetError('index-unavailable', `${doing}: ${cause.message}`, { cause });
  const remedy = otherwise === 'index-corrupt' ? '; `freshet index rebuild` makes it anew from the log' : '';
  return new FreshetError(otherwise, `${doing} in ${folder}: ${cause.message}${remedy}`, { cause });
};
