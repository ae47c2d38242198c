import { closeSync, fsyncSync, openSync } from 'node:fs';

/**
 * Brings to disk what was made, renamed or removed in a folder: flushing a file says nothing of its name, so that a power
 * loss may undo a rename that returned. Throws what the file system says.
 */
export const flushFolder = (folder: string): void => {
  const file = openSync(folder, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
};
