import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Stops the servers it was told of when this process dies without doing so itself, by kill -9 for example. */
export type Watchdog = {
  readonly add: (pid: number, signal: NodeJS.Signals) => void;
  readonly remove: (pid: number) => void;
  /** Ends the watchdog; what it still knows is stopped by it. */
  readonly close: () => void;
};

/** Starts one small shell process, in a session of its own so that a Ctrl-C in the terminal doesn't reach it. */
export const startWatchdog = (): Watchdog => {
  const script = fileURLToPath(new URL('watchdog.sh', import.meta.url));
  const child = spawn('/bin/sh', [script], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  const { stdin } = child;
  // A watchdog that died must not take the stack with it: the pid file of the next start is the second net.
  child.on('error', () => undefined);
  stdin.on('error', () => undefined);
  child.unref();
  if ('unref' in stdin && typeof stdin.unref === 'function') stdin.unref();
  const tell = (line: string): void => {
    if (stdin.writable) stdin.write(`${line}\n`);
  };
  return {
    add: (pid, signal) => tell(`add ${pid} ${signal.replace('SIG', '')}`),
    remove: (pid) => tell(`remove ${pid}`),
    close: () => stdin.end(),
  };
};
