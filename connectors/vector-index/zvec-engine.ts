/** The zvec library in this process: started once and silent, and what it throws in Freshet's words. */
import { statfsSync } from 'node:fs';
import { ZVecInitialize, ZVecLogLevel, ZVecLogType } from '@zvec/zvec';
import { FreshetError, toError } from '../../schemas/errors.ts';

const NO_SPACE = /ENOSPC|no space left|disk quota|disk full/i;
const LOCKED = /can't lock/i;
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

const isFull = (folder: string): boolean => {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize < FULL_BELOW_BYTES;
  } catch {
    return false;
  }
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
  if (NO_SPACE.test(cause.message) || isFull(folder)) {
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
  const remedy = otherwise === 'index-corrupt' ? '; `freshet index rebuild` makes it anew from the log' : '';
  return new FreshetError(otherwise, `${doing} in ${folder}: ${cause.message}${remedy}`, { cause });
};
