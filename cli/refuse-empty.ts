import type { Command } from 'commander';
import { FreshetError } from '../schemas/errors.ts';

const isEmpty = (value: unknown): boolean => typeof value === 'string' && value.trim() === '';

/**
 * An empty value, as of a variable that is not set, is none that anybody meant: taken for a left-out option it would widen what
 * is done, to all tables, to no limit. Options whose default is empty take it. Errors: `usage`.
 */
export const refuseEmpty = (command: Command): void => {
  for (const option of command.options) {
    const name = option.attributeName();
    const given = command.getOptionValueSource(name) === 'cli' && option.defaultValue !== '';
    if (given && [command.getOptionValue(name)].flat().some(isEmpty))
      throw new FreshetError('usage', `${option.long ?? name} is empty: give it a value, or leave it out`);
  }
};
