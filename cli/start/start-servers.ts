/** The servers under Freshet: run natively and kept running, run in containers, or found running. */

import { sourcePlugins } from '../../connectors/sources/source-kinds.ts';
import { DOCKER_HOST_NAME, startDockerStack } from '../../connectors/stack/docker-stack.ts';
import { DEFAULT_PORTS } from '../../connectors/stack/ports.ts';
import { type StackAddresses, stackAddresses } from '../../connectors/stack/stack-addresses.ts';
import { type ServerName, type StackEvent, USUAL_SERVERS } from '../../connectors/stack/stack-event.ts';
import { lockStack } from '../../connectors/stack/stack-lock.ts';
import { type Stack, startStack } from '../../connectors/stack/start-stack.ts';
import type { FreshetConfig } from '../../schemas/config.ts';
import { FreshetError } from '../../schemas/errors.ts';
import type { Progress } from '../progress.ts';
import { serverFolderOf } from '../run-file.ts';
import { type KeptRunning, keepRunning } from './keep-running.ts';
import { hasSample } from './prepare-sources.ts';

/** `running`: at the usual ports, started by somebody else (docker-compose.yml). */
export const SERVER_PLACES = ['native', 'docker', 'running'] as const;
export type ServerPlace = (typeof SERVER_PLACES)[number];

export interface ServerSettings {
  /** Folder that holds .freshet. */
  readonly root: string;
  readonly cacheDirectory: string;
  readonly config: FreshetConfig;
  readonly environment: NodeJS.ProcessEnv;
  readonly place: ServerPlace;
  readonly freePorts: boolean;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** One died again and again. */
  readonly onFailure: (error: FreshetError) => void;
}

export interface RunningServers extends StackAddresses {
  /** Undefined where they do not run natively. */
  readonly stack: Stack | undefined;
  /** Pids of those that run natively. */
  pids(): Readonly<Record<string, number>>;
  /** How Connect calls this machine's loopback, where it is in a container; empty where it shares it. */
  readonly connectLoopback: string;
  /** From now on nothing that dies is started again. */
  release(): void;
  stop(): Promise<void>;
}

/** Errors: those of `startStack` and `startDockerStack`; `already-running`; `usage` where `running` lacks Postgres's password. */
export const startServers = async (settings: ServerSettings): Promise<RunningServers> => {
  const { root, cacheDirectory, environment, progress, signal } = settings;
  const onProgress = ({ part, state, ms, detail }: StackEvent): void => {
    if (state === 'ready') progress.line(part, `ready after ${(ms / 1_000).toFixed(1)} s`);
    else if (state === 'installing') progress.line(part, `installing${detail ? `: ${detail}` : ''}`);
  };
  const dataDirectory = serverFolderOf(root);
  switch (settings.place) {
    case 'native':
      return startNative(settings, dataDirectory, onProgress);
    case 'docker':
      return whileLocked(dataDirectory, async () => ({
        ...(await startDockerStack({ dataDirectory, cacheDirectory, environment, onProgress, signal })),
        ...OF_OTHERS,
        connectLoopback: DOCKER_HOST_NAME,
      }));
    case 'running': {
      const { FRESHET_POSTGRES_PASSWORD: postgresPassword, FRESHET_MODELS: modelDirectory } = environment;
      if (!postgresPassword || !modelDirectory)
        throw new FreshetError(
          'usage',
          '--servers running needs FRESHET_POSTGRES_PASSWORD and FRESHET_MODELS in the environment',
        );
      const addresses = stackAddresses({ ports: DEFAULT_PORTS, postgresPassword, modelDirectory });
      return whileLocked(dataDirectory, async () => ({
        ...addresses,
        ...OF_OTHERS,
        stop: async () => undefined,
      }));
    }
    default:
      return settings.place satisfies never;
  }
};

const OF_OTHERS = {
  stack: undefined,
  pids: () => ({}),
  release: () => undefined,
  connectLoopback: '',
} as const;

/** Servers that are not this process's children hold their folder as native ones do: nobody forgets it under them. */
const whileLocked = async (
  dataDirectory: string,
  start: () => Promise<RunningServers>,
): Promise<RunningServers> => {
  const lock = await lockStack(dataDirectory);
  try {
    const servers = await start();
    return { ...servers, stop: () => servers.stop().finally(lock.release) };
  } catch (error) {
    await lock.release();
    throw error;
  }
};

const startNative = async (
  settings: ServerSettings,
  dataDirectory: string,
  onProgress: (event: StackEvent) => void,
): Promise<RunningServers> => {
  const { cacheDirectory, config, environment, freePorts, progress, signal, onFailure } = settings;
  const kept = new Map<ServerName, KeptRunning>();
  const stack = await startStack({
    ...{ dataDirectory, cacheDirectory, environment, signal, onProgress },
    // The database of the stack is there for the sample alone.
    servers: USUAL_SERVERS.filter((name) => name !== 'postgres' || hasSample(config)),
    plugins: sourcePlugins(config.sources),
    ...(freePorts ? { ports: 'free' as const } : {}),
    onServerExit: (name, error) => kept.get(name)?.died(error),
  });
  for (const { name } of stack.servers()) {
    const onRestart = (error: FreshetError, attempt: number): void =>
      progress.line(name, `died, starting it again (${attempt}): ${error.message.split('\n')[0]}`);
    kept.set(name, keepRunning({ start: () => stack.startServer(name), onRestart, onGivenUp: onFailure }));
  }
  return {
    ...stack,
    stack,
    pids: () => Object.fromEntries(stack.servers().map(({ name, pid }) => [name, pid])),
    connectLoopback: '',
    release: () => {
      for (const each of kept.values()) each.release();
    },
  };
};
