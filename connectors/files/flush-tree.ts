import { closeSync, fsync, openSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { flushFolder } from './flush-folder.ts';

/** Brings to disk all that a folder holds, contents and names. Throws what the file system says. */
export const flushTree = async (folder: string): Promise<void> => {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) flushFolder(path);
    if (entry.isFile()) await flushFile(path);
  }
  flushFolder(folder);
};

const flushFile = async (path: string): Promise<void> => {
  const file = openSync(path, 'r');
  try {
    await promisify(fsync)(file);
  } finally {
    closeSync(file);
  }
};
