import type { FreshetError } from '../../schemas/errors.ts';
import { linkSignals } from '../../schemas/linked-signal.ts';
import type { PreparedStack } from './prepare-stack.ts';
import type { ServerCommand } from './server-command.ts';
import { cancelledStart, type ServerProcess, startServerProcess } from './server-process.ts';
import type { ServerRecords } from './server-records.ts';
import { connectServer } from './servers/connect-server.ts';
import { kafkaServer } from './servers/kafka-server.ts';
import { mariadbServer } from './servers/mariadb-server.ts';
import { postgresServer } from './servers/postgres-server.ts';
import { redisServer } from './servers/redis-server.ts';
import { schemaRegistryServer } from './servers/schema-registry-server.ts';
import type { ServerContext } from './servers/server-context.ts';
import type { OnStackEvent, ServerName } from './stack-event.ts';
import type { Watchdog } from './watchdog.ts';

/** The servers of a stack, one by one: a fault is made by killing one and starting it again at the same port and data. */
export type StackServers = {
  /** Those that run now. */
  readonly servers: () => readonly {
    readonly name: ServerName;
    readonly pid: number;
    readonly readyMs: number;
  }[];
  /** @throws FreshetError `port-in-use`, `disk-full` or `server-failed`; does nothing when it runs. */
  readonly startServer: (name: ServerName) => Promise<void>;
  /** In order; does nothing when it doesn't run. */
  readonly stopServer: (name: ServerName) => Promise<void>;
  /** SIGKILL; resolves when the process is gone. */
  readonly killServer: (name: ServerName) => Promise<void>;
  readonly restartServer: (name: ServerName) => Promise<void>;
  /** Stops all: Connect first, for it says goodbye to the others. Never rejects; a second call waits for the first. */
  readonly stop: () => Promise<void>;
};

export type StackServersOptions = {
  readonly names: readonly ServerName[];
  readonly context: ServerContext;
  readonly prepared: PreparedStack;
  readonly records: ServerRecords;
  readonly watchdog: Watchdog;
  readonly onProgress: OnStackEvent;
  /** Gives up starts under way. */
  readonly signal: AbortSignal;
  readonly onServerExit: (name: ServerName, error: FreshetError) => void;
  readonly onStopped: () => Promise<void>;
};

/** What Connect waits for its broker, less a margin. */
const BROKER_PATIENCE_MS = 45_000;

/** The machinery behind StackServers; `startAll` stops everything again when one server fails. */
export const openStackServers = (
  options: StackServersOptions,
): StackServers & { readonly startAll: () => Promise<void> } => {
  const { names, records, watchdog, onProgress } = options;
  const running = new Map<ServerName, ServerProcess>();
  const starting = new Map<ServerName, Promise<void>>();
  const closing = new AbortController();
  const { signal } = linkSignals(closing.signal, options.signal);
  let stopping: Promise<void> | undefined;

  const startServer = (name: ServerName): Promise<void> => {
    const start = starting.get(name) ?? startOne(name).finally(() => starting.delete(name));
    starting.set(name, start);
    return start;
  };

  const startOne = async (name: ServerName): Promise<void> => {
    if (running.has(name)) return;
    if (signal.aborted) throw cancelledStart();
    const started = performance.now();
    onProgress({ part: name, state: 'starting', ms: 0 });
    const command = await serverCommand(name, options);
    const server = await startServerProcess(command, {
      watchdog,
      signal,
      onStarted: (pid) => records.set(name, pid),
      onDied: (error) => {
        running.delete(name);
        onProgress({ part: name, state: 'died', ms: 0, detail: error.message });
        options.onServerExit(name, error);
      },
    });
    running.set(name, server);
    onProgress({ part: name, state: 'ready', ms: Math.round(performance.now() - started) });
  };

  /** Connect gives up on a broker after a minute, which a busy machine's may take: begun beside it, it has a second chance. */
  const startBesideOthers = async (name: ServerName): Promise<void> => {
    const started = performance.now();
    try {
      await startServer(name);
    } catch (error) {
      const gaveUpOnBroker = name === 'connect' && performance.now() - started > BROKER_PATIENCE_MS;
      if (!gaveUpOnBroker || signal.aborted) throw error;
      await starting.get('kafka');
      if (!running.has('kafka')) throw error;
      await startServer(name);
    }
  };

  const end = async (name: ServerName, how: 'stop' | 'kill'): Promise<void> => {
    const server = running.get(name);
    if (server === undefined) return;
    running.delete(name);
    const started = performance.now();
    onProgress({ part: name, state: 'stopping', ms: 0 });
    await server[how]();
    await records.clear(name);
    onProgress({ part: name, state: 'stopped', ms: Math.round(performance.now() - started) });
  };

  const stopAll = async (): Promise<void> => {
    closing.abort();
    await Promise.allSettled(starting.values());
    await end('connect', 'stop');
    await Promise.all(names.map((name) => end(name, 'stop')));
    watchdog.close();
    await options.onStopped();
  };
  const stop = (): Promise<void> => {
    stopping ??= stopAll();
    return stopping;
  };

  return {
    startAll: async () => {
      const outcomes = await Promise.allSettled(names.map(startBesideOthers));
      const failed = outcomes.find((outcome) => outcome.status === 'rejected');
      if (failed === undefined) return;
      await stop();
      throw failed.reason;
    },
    servers: () => [...running].map(([name, { pid, readyMs }]) => ({ name, pid, readyMs })),
    startServer,
    stopServer: (name) => end(name, 'stop'),
    killServer: (name) => end(name, 'kill'),
    restartServer: async (name) => {
      await end(name, 'stop');
      await startServer(name);
    },
    stop,
  };
};

const serverCommand = (name: ServerName, options: StackServersOptions): Promise<ServerCommand> => {
  const { context, prepared } = options;
  const forJava = () => ({
    ...context,
    java: prepared.java(),
    artifacts: prepared.artifacts,
    // Java opens no path beyond ASCII where the locale knows none, as under cron and systemd.
    environment: { ...context.environment, LC_ALL: 'C.UTF-8' },
  });
  switch (name) {
    case 'kafka':
      return kafkaServer(forJava());
    case 'connect':
      return connectServer({ ...forJava(), pluginFolders: prepared.pluginFolders });
    case 'schemaRegistry':
      return schemaRegistryServer(forJava());
    case 'postgres':
      return postgresServer(context);
    case 'redis':
      return redisServer({ ...context, redis: prepared.redis() });
    case 'mariadb':
      return mariadbServer({ ...context, mariadb: prepared.mariadb() });
    default:
      return name satisfies never;
  }
};
