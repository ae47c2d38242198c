import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Environment } from './stack-event.ts';

/** Where downloads of all Freshet projects of this person are kept: FRESHET_CACHE, else the system's cache folder. Absolute. */
export const cacheDirectoryOf = ({ FRESHET_CACHE, XDG_CACHE_HOME, HOME }: Environment): string => {
  if (FRESHET_CACHE) return resolve(FRESHET_CACHE);
  return resolve(XDG_CACHE_HOME || join(HOME || tmpdir(), '.cache'), 'freshet');
};
