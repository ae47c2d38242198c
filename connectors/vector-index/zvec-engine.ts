/** The zvec library in this process: started once and silent, and what goes wrong with it in Freshet's words. */
import { dirname } from 'node:path';
import { ZVecInitialize, ZVecLogLevel, ZVecLogType } from '@zvec/zvec';
import { FreshetError, toError } from '../../schemas/errors.ts';
import { freeBytes } from '../document-table/free-bytes.ts';

const NO_SPACE = /ENOSPC|EDQUOT|no space left|disk quota|disk full/i;
/** Room that a build leaves to others. */
const RESERVE_BYTES = 64 * 1024 * 1024;

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
 * So a build begins only with room for all of it. Errors: `disk-full`.
 */
export const requireSpace = (folder: string, doing: string, bytes: number): void => {
  const needed = bytes + RESERVE_BYTES;
  if (freeBytes(dirname(folder)) >= needed) return;
  const mebibytes = Math.ceil(needed / 1024 / 1024);
  throw new FreshetError(
    'disk-full',
    `${doing} needs ${mebibytes} MiB free for ${folder}; free space and it goes on`,
  );
};

/** `doing` is a phrase such as "writing to the vector index". Never throws. */
export const indexFailure = (thrown: unknown, doing: string, folder: string): FreshetError => {
  if (thrown instanceof FreshetError) return thrown;
  const cause = toError(thrown);
  if (NO_SPACE.test(cause.message))
    return new FreshetError(
      'disk-full',
      `${doing}: the disk of ${folder} is full; free space and it goes on`,
      {
        cause,
      },
    );
  return new FreshetError('index-unavailable', `${doing} in ${folder}: ${cause.message}`, { cause });
};
