import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** The release before wrote the start in the time zone and language of its terminal, which says nothing in another one. */
const UTC = 'utc ';

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
    const start = String(said).trim();
    return start === '' ? undefined : `${UTC}${start}`;
  } catch {
    return undefined;
  }
};

/** Whether exactly this process still lives: for what ends it. */
export const isSameProcess = (pid: number, identity: string): boolean => {
  const found = processIdentity(pid);
  return found !== undefined && found === identity;
};

/**
 * Whether this process may still live: as isSameProcess, and where another release wrote what it is known by, by its pid alone.
 * For what holds a folder: it is better refused than taken from a process that uses it.
 */
export const mayBeSameProcess = (pid: number, identity: string | undefined): boolean => {
  const found = processIdentity(pid);
  if (found === undefined) return false;
  // In a container every run has the same pid: what another release wrote under ours is of a run that is over.
  return found === identity || (pid !== process.pid && isOfAnotherRelease(identity, found));
};

/** `found`: an identity as this release writes them on this system. */
export const isOfAnotherRelease = (identity: string | undefined, found: string): boolean =>
  identity === undefined || (found.startsWith(UTC) && !identity.startsWith(UTC));
