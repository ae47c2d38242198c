import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { FreshetError } from '../../schemas/errors.ts';
import type { ServerCommand } from './server-command.ts';
import { freeBytesAt, serverFailure } from './server-failure.ts';

/** Spawns a server with its output in its log file, which is a new one for each run; the last one is kept as `.1`. */
export const spawnLogged = async (server: ServerCommand): Promise<ChildProcess> => {
  await mkdir(dirname(server.logFile), { recursive: true });
  await rename(server.logFile, `${server.logFile}.1`).catch(() => undefined);
  const log = await open(server.logFile, 'a');
  try {
    const child = spawn(server.command, server.arguments, {
      cwd: server.directory,
      env: { ...server.environment },
      // A group of its own: Ctrl-C in the terminal must not reach the server before the ordered shutdown does.
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      ...(server.argv0 === undefined ? {} : { argv0: server.argv0 }),
      ...(server.account ?? {}),
    });
    // A command that cannot be run has no pid, which is checked; its error event must not end this process.
    child.on('error', () => undefined);
    return child;
  } finally {
    await log.close();
  }
};

/** The error behind this server's failure, read from its log and its disk. */
export const failureOf = async (server: ServerCommand, what: string): Promise<FreshetError> =>
  serverFailure({
    ...{ server: server.name, what, log: await readLog(server.logFile), logFile: server.logFile },
    freeBytes: await freeBytesAt(dirname(server.logFile)),
  });

const TAIL_BYTES = 16_384;

const readLog = async (file: string): Promise<string> => {
  try {
    const bytes = await readFile(file);
    return bytes.subarray(Math.max(0, bytes.length - TAIL_BYTES)).toString('utf8');
  } catch {
    return '';
  }
};
