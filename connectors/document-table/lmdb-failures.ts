/** What LMDB throws, in Freshet's words. */
import { FreshetError, toError } from '../../schemas/errors.ts';
import { freeBytes } from './free-bytes.ts';

const NO_SPACE = /ENOSPC|No space left|EDQUOT|Disk quota|MDB_MAP_FULL/i;
const DAMAGED = /MDB_CORRUPTED|MDB_PAGE_NOTFOUND|MDB_INVALID|MDB_PANIC|MDB_VERSION_MISMATCH|MDB_BAD_TXN/;

/** True where the file itself cannot be read as a table. */
export const isDamage = (thrown: unknown): boolean => DAMAGED.test(toError(thrown).message);

/** LMDB calls a write that came to nothing "Input/output error": below this it was for want of space. */
const FULL_BELOW_BYTES = 1024 * 1024;

/** Never throws. `doing` is a phrase such as "writing to the document table". */
export const failure = (thrown: unknown, doing: string, folder: string): FreshetError => {
  if (thrown instanceof FreshetError) return thrown;
  const cause = toError(thrown);
  const code: unknown = 'code' in cause ? cause.code : undefined;
  if (NO_SPACE.test(cause.message) || code === 28 || freeBytes(folder) < FULL_BELOW_BYTES) {
    return new FreshetError(
      'disk-full',
      `${doing}: the disk of ${folder} is full; free space and it goes on`,
      { cause },
    );
  }
  if (isDamage(cause)) {
    return new FreshetError('index-corrupt', `${doing}: ${cause.message}; run \`freshet index rebuild\``, {
      cause,
    });
  }
  return new FreshetError('index-unavailable', `${doing}: ${cause.message}`, { cause });
};
