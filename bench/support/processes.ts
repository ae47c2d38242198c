/** What each process of a run has used, from /proc: for benches on Linux, where a figure needs its reason. */
import { readdirSync, readFileSync } from 'node:fs';
import type { RunFile } from '../../cli/run-file.ts';

export interface ProcessUse {
  readonly name: string;
  readonly cpuSeconds: number;
  readonly residentMiB: number;
}

const TICKS_PER_SECOND = 100;

const readOf = (pid: number): { parent: number; cpuSeconds: number; residentMiB: number } | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const status = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    return {
      parent: Number(fields[1]),
      // Its own, and that of its child processes that have ended: a server's sessions come and go.
      cpuSeconds: fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS_PER_SECOND,
      // Shared pages (Postgres has many processes over the same ones) are counted by share.
      residentMiB: Number(/^Pss:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1_024,
    };
  } catch {
    return undefined;
  }
};

/** Servers and roles of a run, each with its child processes, the largest first. */
export const processesOf = (run: Pick<RunFile, 'roles' | 'servers'>): readonly ProcessUse[] => {
  const all = new Map(
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((name) => [Number(name), readOf(Number(name))]),
  );
  const within = (pid: number, root: number): boolean => {
    for (let at: number | undefined = pid; at !== undefined && at > 1; at = all.get(at)?.parent)
      if (at === root) return true;
    return false;
  };
  return Object.entries({ ...run.servers, ...run.roles })
    .map(([name, root]) => {
      const mine = [...all].filter(([pid]) => within(pid, root)).map(([, use]) => use);
      return {
        name,
        cpuSeconds: mine.reduce((sum, use) => sum + (use?.cpuSeconds ?? 0), 0),
        residentMiB: mine.reduce((sum, use) => sum + (use?.residentMiB ?? 0), 0),
      };
    })
    .sort((a, b) => b.cpuSeconds - a.cpuSeconds);
};
