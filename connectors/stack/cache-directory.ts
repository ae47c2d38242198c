import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Environment } from './stack-event.ts';

/** Where downloads of all Freshet projects of this person are kept: FRESHET_CACHE, else the system's cache folder. */
export const cacheDirectoryOf = (environment: Environment): string => {
  if (environment.FRESHET_CACHE) return environment.FRESHET_CACHE;
  if (environment.XDG_CACHE_HOME) return join(environment.XDG_CACHE_HOME, 'freshet');
  return join(environment.HOME ?? tmpdir(), '.cache', 'freshet');
};
