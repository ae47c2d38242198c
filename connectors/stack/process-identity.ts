import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * What tells this process from a later one that was given the same pid: its start time and the boot it belongs to.
 * `undefined` when no such process lives (a zombie counts as dead).
 */
export const processIdentity = (pid: number): string | undefined =>
  process.platform === 'linux' ? linuxIdentity(pid) : otherIdentity(pid);

const linuxIdentity = (pid: number): string | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command's name, in parentheses, may itself hold spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state] = fields;
    if (state === 'Z' || state === 'X') return undefined;
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot}:${fields[19] ?? ''}`;
  } catch {
    return undefined;
  }
};

const otherIdentity = (pid: number): string | undefined => {
  try {
    const said = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], {
      // Two terminals may differ in language and time zone: the same process must read the same in both.
      env: { PATH: '/bin:/usr/bin', LC_ALL: 'C', TZ: 'UTC' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return String(said).trim() || undefined;
  } catch {
    return undefined;
  }
};

/** Whether exactly this process still lives. */
export const isSameProcess = (pid: number, identity: string): boolean => {
  const found = processIdentity(pid);
  return found !== undefined && found === identity;
};
