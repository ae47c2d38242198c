import { FreshetError } from '../schemas/errors.ts';

/**
 * What follows something until Ctrl-C, or until nobody reads its stdout any more (`| head`). Either aborts the signal with
 * `unavailable`, and what was opened is closed in order; a second Ctrl-C ends the process.
 */
export const untilInterrupted = async <T>(follow: (interrupted: AbortSignal) => Promise<T>): Promise<T> => {
  const interrupted = new AbortController();
  const end = (): void => interrupted.abort(new FreshetError('unavailable', 'stopped'));
  process.once('SIGINT', end);
  process.stdout.once('error', end);
  try {
    return await follow(interrupted.signal);
  } finally {
    process.off('SIGINT', end);
    process.stdout.off('error', end);
  }
};
