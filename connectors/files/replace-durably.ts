import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { flushFolder } from './flush-folder.ts';

/**
 * A file with this text in place of what was there, on disk when it returns; killed or without power in between it is the
 * old one or the new one, whole. `mode` is that of a new file. Throws what the file system says: then it may be either.
 */
export const replaceDurably = (path: string, text: string, mode = 0o666): void => {
  const file = openSync(`${path}.new`, 'w', mode);
  try {
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.new`, path);
  flushFolder(dirname(path));
};
