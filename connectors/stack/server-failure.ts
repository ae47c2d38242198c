import { FreshetError } from '../../schemas/errors.ts';

const LINES_SHOWN = 8;

/**
 * The error behind a server that failed, read from the end of its log: `disk-full`, `port-in-use` or `server-failed`, with
 * the last lines that tell something. Pure.
 */
export const serverFailure = (server: string, what: string, log: string, logFile: string): FreshetError => {
  if (/No space left on device|ENOSPC|There is not enough space/i.test(log)) {
    return new FreshetError(
      'disk-full',
      `The disk is full, so ${server} ${what}: free some space and start again.`,
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
