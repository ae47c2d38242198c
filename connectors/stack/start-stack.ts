import { mkdir } from 'node:fs/promises';
import type { FreshetError } from '../../schemas/errors.ts';
import { artifactsIn } from './artifacts.ts';
import type { ConnectorPlugin } from './install-plugin.ts';
import { DEFAULT_PORTS, freePorts, type StackPorts } from './ports.ts';
import { prepareStack } from './prepare-stack.ts';
import { diskFullError } from './server-failure.ts';
import { endLeftServers, openServerRecords } from './server-records.ts';
import { mariadbUrl } from './servers/mariadb-server.ts';
import { serverPassword } from './servers/server-password.ts';
import { type StackAddresses, stackAddresses } from './stack-addresses.ts';
import {
  type Environment,
  type OnStackEvent,
  SERVER_NAMES,
  type ServerName,
  USUAL_SERVERS,
} from './stack-event.ts';
import { lockStack } from './stack-lock.ts';
import { openStackServers, type StackServers } from './stack-servers.ts';
import { startWatchdog } from './watchdog.ts';

export type StackOptions = {
  /** Absolute. Holds everything that `reset` forgets. */
  readonly dataDirectory: string;
  /** Absolute. Holds what is downloaded; may be shared by any number of stacks. */
  readonly cacheDirectory: string;
  /** Ports of 127.0.0.1, or `free` for ones that nobody uses. Default: DEFAULT_PORTS. */
  readonly ports?: StackPorts | 'free';
  /** Default: the five that Freshet runs on. Connect brings Kafka with it. */
  readonly servers?: readonly ServerName[];
  /** Connectors beside Postgres's, for Connect to load; installed where they are missing. */
  readonly plugins?: readonly ConnectorPlugin[];
  /** Of the Connect worker, over those of deploy/connect/worker.properties. */
  readonly workerSettings?: Readonly<Record<string, string | number>>;
  /** The environment of the process: PATH, HOME, JAVA_HOME and whatever Maven needs. */
  readonly environment: Environment;
  readonly onProgress?: OnStackEvent;
  /** Gives up a start under way (Ctrl-C): what was started is stopped and startStack throws `not-running`. */
  readonly signal?: AbortSignal;
  /** A server exited that nobody stopped: `server-failed` or `disk-full`, with the end of its log. */
  readonly onServerExit?: (name: ServerName, error: FreshetError) => void;
};

/** A running stack: where everything is, and the servers one by one. */
export type Stack = StackServers &
  StackAddresses & {
    /** Of an account with all rights, without a database; only where `mariadb` was asked for. */
    readonly mariadb: { readonly url: string } | undefined;
  };

/**
 * Installs what is missing and starts the servers in parallel; resolves when all are ready. Servers left behind by a run
 * that was killed are ended first. The data in the data directory is kept between runs.
 * @throws FreshetError `prerequisite-missing`, `install-failed`, `checksum-mismatch`, `already-running`, `port-in-use`,
 * `disk-full` or `server-failed`; nothing is left running then.
 */
export const startStack = async (options: StackOptions): Promise<Stack> => {
  const { dataDirectory, cacheDirectory, environment } = options;
  const onProgress = options.onProgress ?? (() => undefined);
  const signal = options.signal ?? new AbortController().signal;
  const names = chosen(options.servers ?? USUAL_SERVERS);
  await mkdir(dataDirectory, { recursive: true });
  const lock = await lockStack(dataDirectory);
  try {
    const [prepared] = await Promise.all([
      prepareStack({
        ...{ cacheDirectory, environment, names, onProgress, signal },
        plugins: options.plugins ?? [],
      }),
      endLeftServers(dataDirectory),
    ]);
    const ports = options.ports === 'free' ? await freePorts() : (options.ports ?? DEFAULT_PORTS);
    const servers = openStackServers({
      names,
      context: {
        ...{ dataDirectory, cacheDirectory, ports, environment },
        ...(options.workerSettings ? { workerSettings: options.workerSettings } : {}),
      },
      prepared,
      records: openServerRecords(dataDirectory),
      watchdog: startWatchdog(),
      onProgress,
      signal,
      onServerExit: options.onServerExit ?? (() => undefined),
      onStopped: lock.release,
    });
    await servers.startAll();
    const postgresPassword = await serverPassword(dataDirectory, 'postgres');
    const { modelDirectory } = artifactsIn(cacheDirectory);
    return {
      ...servers,
      ...stackAddresses({ ports, postgresPassword, modelDirectory }),
      mariadb: names.includes('mariadb')
        ? { url: await mariadbUrl(dataDirectory, ports.mariadb) }
        : undefined,
    };
  } catch (error) {
    await lock.release();
    throw diskFullError(error) ?? error;
  }
};

const chosen = (names: readonly ServerName[]): readonly ServerName[] =>
  SERVER_NAMES.filter((name) => names.includes(name) || (name === 'kafka' && names.includes('connect')));
