/** What LMDB throws, in Freshet's words. */
import { FreshetError, toError } from '../../schemas/errors.ts';

const NO_SPACE = /ENOSPC|No space left|EDQUOT|Disk quota|MDB_MAP_FULL/i;
const DAMAGED = /MDB_CORRUPTED|MDB_PAGE_NOTFOUND|MDB_INVALID|MDB_PANIC|MDB_VERSION_MISMATCH|MDB_BAD_TXN/;

/** True where the file itself cannot be read as a table. */
export const isDamage = (thrown: unknown): boolean => DAMAGED.test(toError(thrown).message);

/** Never throws. `doing` is a phrase such as "writing to the document table". */
export const failure = (thrown: unknown, doing: string): FreshetError => {
  if (thrown instanceof FreshetError) return thrown;
  const cause = toError(thrown);
  const code: unknown = 'code' in cause ? cause.code : undefined;
  if (NO_SPACE.test(cause.message) || code === 28 || code === 'ENOSPC') {
    return new FreshetError('disk-full', `${doing}: the disk is full; free space and it goes on`, { cause });
  }
  if (isDamage(cause)) {
    return new FreshetError('index-corrupt', `${doing}: ${cause.message}; run \`freshet index rebuild\``, {
      cause,
    });
  }
  return new FreshetError('index-unavailable', `${doing}: ${cause.message}`, { cause });
};
