/** A whole number from the command line. Throws `usage`. */
import { FreshetError } from '../schemas/errors.ts';

export const wholeNumber = (text: string, option: string): number => {
  if (!/^\d{1,15}$/.test(text))
    throw new FreshetError('usage', `${option} is a whole number from 0, not ${text}`);
  return Number(text);
};
