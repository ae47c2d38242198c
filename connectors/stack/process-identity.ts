import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * What tells this process from a later one that was given the same pid: its start time and the boot it belongs to.
 * `undefined` when no such process lives (a zombie counts as dead).
 */
export const processIdentity = async (pid: number): Promise<string | undefined> =>
  process.platform === 'linux' ? linuxIdentity(pid) : otherIdentity(pid);

const linuxIdentity = async (pid: number): Promise<string | undefined> => {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The command's name, in parentheses, may itself hold spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state] = fields;
    if (state === 'Z' || state === 'X') return undefined;
    const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
    return `${boot}:${fields[19] ?? ''}`;
  } catch {
    return undefined;
  }
};

const otherIdentity = async (pid: number): Promise<string | undefined> => {
  try {
    const { stdout } = await run('ps', ['-o', 'lstart=', '-p', String(pid)]);
    return stdout.trim() || undefined;
  } catch {
    return undefined;
  }
};

/** Whether exactly this process still lives. */
export const isSameProcess = async (pid: number, identity: string): Promise<boolean> =>
  (await processIdentity(pid)) === identity;
