import { setTimeout as delay } from 'node:timers/promises';
import { FreshetError } from '../../schemas/errors.ts';
import { checkPorts } from './ports.ts';
import type { ServerCommand } from './server-command.ts';
import { failureOf, spawnLogged } from './server-log.ts';
import type { Watchdog } from './watchdog.ts';

export type ServerProcess = {
  readonly pid: number;
  /** From spawn to ready. */
  readonly readyMs: number;
  /** Asks the server to stop, waits, and kills it at its deadline. */
  readonly stop: () => Promise<void>;
  /** SIGKILL, as a fault. */
  readonly kill: () => Promise<void>;
};

export type ServerHooks = {
  readonly watchdog: Watchdog;
  /** Gives up a start under way. */
  readonly signal: AbortSignal;
  /** The process exists, and is not ready yet. */
  readonly onStarted: (pid: number) => Promise<void>;
  /** It exited after it was ready, and nobody had asked it to. */
  readonly onDied: (error: FreshetError) => void;
};

/**
 * Starts a server and resolves once it is ready. An exit that nobody asked for is told to `onDied`.
 * @throws FreshetError `port-in-use`, `disk-full` or `server-failed`; no process is left behind then.
 */
export const startServerProcess = async (
  server: ServerCommand,
  hooks: ServerHooks,
): Promise<ServerProcess> => {
  const started = performance.now();
  await checkPorts(server.name, server.ports);
  const child = await spawnLogged(server);
  const pid = child.pid;
  if (pid === undefined) {
    throw new FreshetError(
      'server-failed',
      `${server.name} could not be run: check that ${server.command} can be executed.`,
    );
  }
  hooks.watchdog.add(pid, server.stopSignal);
  let expected = false;
  let ready = false;
  let gone = false;
  const exited = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      gone = true;
      hooks.watchdog.remove(pid);
      resolve();
      if (ready && !expected) {
        failureOf(server, `died (${signal ?? `exit code ${code}`})`).then(hooks.onDied);
      }
    });
  });
  const end = async (signal: NodeJS.Signals, deadlineMs: number): Promise<boolean> => {
    expected = true;
    if (gone) return false;
    child.kill(signal);
    const timer = new AbortController();
    const inTime = await Promise.race([
      exited.then(() => true),
      delay(deadlineMs, false, { signal: timer.signal }).catch(() => false),
    ]);
    timer.abort();
    if (!inTime) child.kill('SIGKILL');
    await exited;
    return inTime;
  };

  await hooks.onStarted(pid);
  const deadline = started + server.readyDeadlineMs;
  while (!(await server.isReady())) {
    if (gone) throw await failureOf(server, 'did not start');
    if (hooks.signal.aborted) {
      await end(server.stopSignal, server.stopDeadlineMs);
      throw cancelledStart();
    }
    if (performance.now() > deadline) {
      await end('SIGKILL', 1000);
      const what = `was not ready after ${Math.round(server.readyDeadlineMs / 1000)} s`;
      throw await failureOf(server, what);
    }
    await Promise.race([delay(40), exited]);
  }
  if (gone) throw await failureOf(server, 'did not stay up');
  ready = true;
  return {
    pid,
    readyMs: Math.round(performance.now() - started),
    stop: async () => {
      if (await end(server.stopSignal, server.stopDeadlineMs)) await server.afterCleanStop?.();
    },
    kill: async () => {
      await end('SIGKILL', 1000);
    },
  };
};

/** The error of a start that was given up on request. */
export const cancelledStart = (): FreshetError =>
  new FreshetError('not-running', 'The start was cancelled: start again.');
