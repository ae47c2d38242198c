import { statfsSync } from 'node:fs';

/** Bytes that may still be written in the file system of a folder; Infinity where it doesn't say. */
export const freeBytes = (folder: string): number => {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
};
