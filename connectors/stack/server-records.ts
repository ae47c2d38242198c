import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { isSameProcess, processIdentity } from './process-identity.ts';

const recordsSchema = z.record(z.string(), z.object({ pid: z.number().int(), identity: z.string() }));
type Records = z.infer<typeof recordsSchema>;

/** Which server processes a data directory has, on disk, so that the next start finds those that were left behind. */
export type ServerRecords = {
  readonly set: (name: string, pid: number) => Promise<void>;
  readonly clear: (name: string) => Promise<void>;
};

const fileOf = (dataDirectory: string): string => join(dataDirectory, 'servers.json');

/** Starts with no records; writes the file whole at each change, one write after the other. */
export const openServerRecords = (dataDirectory: string): ServerRecords => {
  const records: Records = {};
  let last = Promise.resolve();
  const write = (): Promise<void> => {
    const next = last.then(async () => {
      const file = fileOf(dataDirectory);
      await writeFile(`${file}.new`, JSON.stringify(records));
      await rename(`${file}.new`, file);
    });
    last = next.catch(() => undefined);
    return next;
  };
  return {
    set: async (name, pid) => {
      const identity = processIdentity(pid);
      if (identity === undefined) return;
      records[name] = { pid, identity };
      await write();
    },
    clear: (name) => {
      delete records[name];
      // A record too many is harmless: its process is known to be gone. A full disk must not keep a stack from stopping.
      return write().catch(() => undefined);
    },
  };
};

const GRACE_MS = 12_000;

/** Ends the servers that an earlier run left behind, each known by its pid and start time; resolves when all are gone. */
export const endLeftServers = async (dataDirectory: string): Promise<void> => {
  const left = Object.values(await readRecords(dataDirectory));
  await Promise.all(
    left.map(async ({ pid, identity }) => {
      const alive = (): boolean => isSameProcess(pid, identity);
      if (!alive()) return;
      // SIGINT, which all of them take for "stop now": SIGTERM lets Postgres wait for its clients.
      signal(pid, 'SIGINT');
      const deadline = performance.now() + GRACE_MS;
      while (alive() && performance.now() < deadline) await delay(50);
      if (alive()) signal(pid, 'SIGKILL');
      while (alive()) await delay(20);
    }),
  );
};

const signal = (pid: number, name: NodeJS.Signals): void => {
  try {
    process.kill(pid, name);
  } catch {
    // It went in between.
  }
};

const readRecords = async (dataDirectory: string): Promise<Records> => {
  try {
    return recordsSchema.parse(JSON.parse(await readFile(fileOf(dataDirectory), 'utf8')));
  } catch {
    return {};
  }
};
