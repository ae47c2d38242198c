import { FreshetError } from '../schemas/errors.ts';

const UNWRITABLE: readonly unknown[] = ['EACCES', 'EPERM', 'EROFS', 'ENOTDIR'];

/**
 * `folder-unwritable` where an unexpected error is that of a folder that this account may not use; undefined for any other. Pure.
 */
export const folderError = ({ code, cause }: FreshetError): FreshetError | undefined => {
  if (code !== 'internal' || !(cause instanceof Error)) return undefined;
  const { code: why, path } = cause as NodeJS.ErrnoException;
  if (path === undefined || !UNWRITABLE.includes(why)) return undefined;
  return new FreshetError(
    'folder-unwritable',
    `this account cannot write ${path} (${why}): give it the right to, or, where that is the folder of downloads, name another by FRESHET_CACHE`,
    { cause },
  );
};
