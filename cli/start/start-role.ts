/** A role as a child process: its log file, its ready message, its end noticed. */
import { type ChildProcess, fork } from 'node:child_process';
import { closeSync, existsSync, fstatSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FreshetError } from '../../schemas/errors.ts';

export interface RoleProcess {
  readonly role: string;
  readonly pid: number;
  /** Base URL where it answers health and metrics. */
  readonly url: string;
  /** Ends it in order, with SIGKILL when that takes too long. */
  stop(): Promise<void>;
}

export interface StartRoleSettings {
  readonly role: string;
  readonly name: string;
  readonly options: Readonly<Record<string, string>>;
  readonly logFolder: string;
  readonly environment: NodeJS.ProcessEnv;
  /** Gives up a start under way. */
  readonly signal?: AbortSignal;
  /** It ended and nobody told it to. */
  readonly onExit: (error: FreshetError) => void;
}

const COMMAND = fileURLToPath(new URL('../freshet.mjs', import.meta.url));
/** Marking a heap that holds 100 MB of code takes a tenth of a second, in which changes wait: let it grow before the first time. */
const HEAP = ['--initial-heap-size=384'];
const YOUNG_SPACE = ['--max-semi-space-size=32'];
/** What waits for young garbage to be cleared does so less than half as often in a space twice as large. */
const LARGE_YOUNG_SPACE: Readonly<Record<string, readonly string[]>> = {
  // A search waits for it from the first on.
  index: ['--min-semi-space-size=64', '--max-semi-space-size=64'],
  // A tenth more steps a second at fifty executions; at rest it is small.
  agents: ['--max-semi-space-size=64'],
};
/**
 * Beside a role one thread less than there are cores collects its garbage: with the four that Node begins otherwise, whoever waits on a
 * machine of two cores gets neither.
 */
const COLLECTORS = [`--v8-pool-size=${Math.max(1, Math.min(4, availableParallelism() - 1))}`];
const READY_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 20_000;
/** One that is not ready has nothing to hand over, and may wait for what never comes. */
const GIVE_UP_WITHIN_MS = 3_000;

interface LogLine {
  readonly level?: number;
  readonly msg?: string;
}

const logLine = (line: string): LogLine => {
  if (line.startsWith('freshet: ')) return { level: 60, msg: line.slice('freshet: '.length) };
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    // A line of a stack trace: what it belongs to stands above.
    return {};
  }
};

/** Why a role ended, by its own log of this run: the last fatal line, else the last error, else nothing. */
const lastWords = (file: string, from: number): string => {
  // A folder of its own may be gone before the role is.
  if (!existsSync(file)) return 'its log is gone';
  const lines = readFileSync(file).subarray(from).toString('utf8').split('\n').map(logLine).reverse();
  const worst = lines.find(({ level = 0 }) => level >= 60) ?? lines.find(({ level = 0 }) => level >= 50);
  return worst?.msg ?? 'its log names no error';
};

/** Resolves when the role says that it is ready. Errors: `server-failed` with the last line of its log, given up or not. */
export const startRole = async (settings: StartRoleSettings): Promise<RoleProcess> => {
  const { role, name } = settings;
  mkdirSync(settings.logFolder, { recursive: true });
  const logFile = join(settings.logFolder, `${name}.log`);
  const log = openSync(logFile, 'a');
  const logStart = fstatSync(log).size;
  const child: ChildProcess = fork(
    COMMAND,
    [role, ...Object.entries({ name, ...settings.options }).flatMap(([key, value]) => [`--${key}`, value])],
    {
      stdio: ['ignore', log, log, 'ipc'],
      env: settings.environment,
      execArgv: [...process.execArgv, ...HEAP, ...COLLECTORS, ...(LARGE_YOUNG_SPACE[role] ?? YOUNG_SPACE)],
    },
  );
  closeSync(log);
  let ready = false;
  let stopping = false;
  const exited = new Promise<string>((resolve) =>
    child.once('exit', (code, signal) => resolve(signal ?? `code ${code ?? '?'}`)),
  );
  const failure = (how: string): FreshetError =>
    new FreshetError(
      'server-failed',
      `the ${role} role ended (${how}): ${lastWords(logFile, logStart)} (log: ${logFile})`,
    );
  const end = async (withinMs: number): Promise<void> => {
    stopping = true;
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    const overdue = setTimeout(() => child.kill('SIGKILL'), withinMs);
    await exited;
    clearTimeout(overdue);
  };
  const giveUp = (): void => void end(GIVE_UP_WITHIN_MS);
  settings.signal?.addEventListener('abort', giveUp);
  if (settings.signal?.aborted) giveUp();

  const url = await new Promise<string>((resolve, reject) => {
    const overdue = setTimeout(() => reject(failure('not ready in time')), READY_WITHIN_MS);
    child.on('message', (message) => {
      const { type, url: at } = message as { type?: string; url?: string };
      if (type !== 'ready' || !at) return;
      clearTimeout(overdue);
      ready = true;
      resolve(at);
    });
    void exited.then((how) => {
      clearTimeout(overdue);
      if (!ready) reject(failure(how));
    });
  })
    .catch((error: unknown) => {
      stopping = true;
      child.kill('SIGKILL');
      throw error;
    })
    .finally(() => settings.signal?.removeEventListener('abort', giveUp));
  void exited.then((how) => {
    if (!stopping) settings.onExit(failure(how));
  });
  return {
    role,
    pid: child.pid ?? 0,
    url,
    stop: () => end(STOP_WITHIN_MS),
  };
};
