import { FreshetError } from '../schemas/errors.ts';
import { wholeNumber } from './whole-number.ts';

/** A port from the command line; 0 picks one. Throws `usage`. */
export const portNumber = (text: string): number => {
  const port = wholeNumber(text, '--port');
  if (port > 65_535) throw new FreshetError('usage', `--port is at most 65535, not ${text}`);
  return port;
};
