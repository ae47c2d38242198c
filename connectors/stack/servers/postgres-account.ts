import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

export type Account = { readonly uid: number; readonly gid: number };

/**
 * The account that Postgres runs as: this process's own (`undefined`), or when that is root, which Postgres refuses, the
 * account `postgres` if the machine has it, else `nobody`.
 */
export const postgresAccount = (): Account | undefined => {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = accounts.find(([account]) => account === name) ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  return { uid: 65_534, gid: 65_534 };
};

/** Whether the account may pass through every folder on the way to this one. It must exist. */
export const canReach = (directory: string, account: Account): boolean => {
  for (let at = resolve(directory); ; at = dirname(at)) {
    const { mode, uid, gid } = statSync(at);
    const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return false;
    if (dirname(at) === at) return true;
  }
};
