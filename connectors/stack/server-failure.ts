import { statfs } from 'node:fs/promises';
import { FreshetError } from '../../schemas/errors.ts';

const LINES_SHOWN = 8;

/** With less than this, in bytes, a server that fails is taken to have failed for lack of space: it may not even log it. */
const LITTLE_SPACE = 64 * 1024 * 1024;

export type Failure = {
  readonly server: string;
  /** What it did, as in "died". */
  readonly what: string;
  /** The end of its log. */
  readonly log: string;
  readonly logFile: string;
  /** Bytes free where its data lies. */
  readonly freeBytes: number;
};

/**
 * The error behind a server that failed: `disk-full`, `port-in-use` or `server-failed`, with the last lines of its log that
 * tell something. Pure.
 */
export const serverFailure = ({ server, what, log, logFile, freeBytes }: Failure): FreshetError => {
  if (/No space left on device|ENOSPC|There is not enough space/i.test(log) || freeBytes < LITTLE_SPACE) {
    return new FreshetError(
      'disk-full',
      `The disk is full, so ${server} ${what}: free about 1 GB and start again (log: ${logFile}).`,
    );
  }
  if (/Address already in use|could not bind|Failed to bind/i.test(log)) {
    return new FreshetError(
      'port-in-use',
      `${server} ${what} because its port is taken: stop the program that listens there (log: ${logFile}).`,
    );
  }
  const lines = log
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^\s+at |^\s*\.\.\. \d+ more/.test(line))
    .slice(-LINES_SHOWN);
  const shown = lines.length === 0 ? 'It logged nothing.' : `It logged last:\n${lines.join('\n')}`;
  return new FreshetError('server-failed', `${server} ${what}: see ${logFile}. ${shown}`);
};

/** `disk-full` when that is why a file could not be written; `undefined` for any other error. */
export const diskFullError = (thrown: unknown): FreshetError | undefined =>
  thrown instanceof Error && 'code' in thrown && (thrown.code === 'ENOSPC' || thrown.code === 'EDQUOT')
    ? new FreshetError(
        'disk-full',
        `The disk is full${thrown.code === 'EDQUOT' ? ' for this account' : ''}: free about 1 GB and start again.`,
        { cause: thrown },
      )
    : undefined;

/** Bytes free for this process where a folder lies; unknown counts as enough. */
export const freeBytesAt = async (directory: string): Promise<number> => {
  try {
    const { bavail, bsize } = await statfs(directory);
    return bavail * bsize;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
};
