import { constants, copyFileSync, existsSync, rmSync } from 'node:fs';
import { replaceDurably } from '../../connectors/files/replace-durably.ts';

/** Where what is there would be kept: `<file>.before`, or the first of `<file>.before-2` and so on that is free. */
export const keptName = (file: string): string => freeName(`${file}.before`);

/**
 * Writes a file that only its owner may read, as it may hold a password: in place of one that others may read, too. Gives
 * where what was there is kept.
 */
export const replaceFile = (file: string, text: string): string | undefined => {
  const kept = existsSync(file) ? keptName(file) : undefined;
  if (kept !== undefined) copyFileSync(file, kept, constants.COPYFILE_EXCL);
  // A mode is given to new files alone.
  rmSync(`${file}.new`, { force: true });
  replaceDurably(file, text, 0o600);
  return kept;
};

const freeName = (name: string, count = 1): string => {
  const tried = count === 1 ? name : `${name}-${count}`;
  return existsSync(tried) ? freeName(name, count + 1) : tried;
};
