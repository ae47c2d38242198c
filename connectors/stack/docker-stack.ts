/** The servers of docker-compose.yml, for machines where containers are welcome and Java is not. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FreshetError, toError } from '../../schemas/errors.ts';
import { artifactsIn } from './artifacts.ts';
import { findInPath } from './find-commands.ts';
import { installFolder } from './install-folder.ts';
import { DEFAULT_PORTS } from './ports.ts';
import { passwordFile, serverPassword } from './servers/server-password.ts';
import { type StackAddresses, stackAddresses } from './stack-addresses.ts';
import type { Environment, OnStackEvent } from './stack-event.ts';

export type DockerStackOptions = {
  /** Absolute. Its name tells this stack's containers and volumes from those of other folders. */
  readonly dataDirectory: string;
  /** Absolute. Receives the embedding model. */
  readonly cacheDirectory: string;
  readonly environment: Environment;
  readonly onProgress: OnStackEvent;
  readonly signal: AbortSignal;
};

/** How Connect, in its container, calls the machine that it runs on. */
export const DOCKER_HOST_NAME = 'host.docker.internal';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const SERVERS = ['kafka', 'connect', 'schema-registry', 'postgres', 'redis'] as const;
const MARK = 'docker';

/** Whether a data directory's servers were run in containers: what they keep is then in Docker's volumes. */
export const isDockerStack = (dataDirectory: string): boolean => existsSync(join(dataDirectory, MARK));

/** What stays in a data directory for as long as the volumes do: it tells of them, and opens their database. */
export const filesOfVolumes = (dataDirectory: string): readonly string[] => [
  join(dataDirectory, MARK),
  passwordFile(dataDirectory, 'postgres'),
];

const projectOf = (dataDirectory: string): string =>
  `freshet-${createHash('sha256').update(dataDirectory).digest('hex').slice(0, 8)}`;

/**
 * Builds what is missing, starts the containers and waits until all are healthy. Docker starts what dies again. Where the
 * start fails or is given up, the containers are stopped before it rejects.
 * @throws FreshetError `prerequisite-missing`, `not-running` where it was given up, or `server-failed` with what Docker
 * said; `stop` throws the last
 */
export const startDockerStack = async (
  options: DockerStackOptions,
): Promise<StackAddresses & { readonly stop: () => Promise<void> }> => {
  const { dataDirectory, onProgress } = options;
  const started = performance.now();
  const sinceMs = (): number => Math.round(performance.now() - started);
  const progress = (detail: string): void =>
    onProgress({ part: 'prerequisites', state: 'installing', ms: sinceMs(), detail });
  const docker = dockerCommand(options);
  await docker(['compose', 'version'], progress).catch((cause: unknown) => {
    throw new FreshetError(
      'prerequisite-missing',
      'Docker lacks its compose plugin: install docker-compose-plugin.',
      { cause },
    );
  });
  await docker(['info'], progress).catch((cause: unknown) => {
    throw new FreshetError(
      'prerequisite-missing',
      `Docker does not answer: start it, or let this account use it. ${toError(cause).message}`,
      { cause },
    );
  });
  const modelDirectory = await installModel(options, docker, progress);
  // Whoever stops has aborted the signal of the start: this has none.
  const stop = (): Promise<void> =>
    dockerCommand({ ...options, signal: undefined })(['compose', 'stop'], progress);
  await writeFile(join(dataDirectory, MARK), '');
  await docker(['compose', 'up', '--build', '--detach', '--wait', ...SERVERS], progress).catch(
    async (error: unknown) => {
      await stop().catch(({ message }: Error) => progress(message));
      throw error;
    },
  );
  onProgress({ part: 'prerequisites', state: 'ready', ms: sinceMs() });
  const postgresPassword = await serverPassword(dataDirectory, 'postgres');
  return {
    ...stackAddresses({ ports: DEFAULT_PORTS, postgresPassword, modelDirectory }),
    stop,
  };
};

/** Removes the containers and all that they keep. @throws FreshetError `unavailable`, naming the volumes that remain */
export const forgetDockerStack = async (
  options: Pick<DockerStackOptions, 'dataDirectory' | 'environment'>,
): Promise<void> => {
  const { dataDirectory } = options;
  try {
    await dockerCommand({ ...options, signal: undefined })(['compose', 'down', '--volumes'], () => undefined);
  } catch (cause) {
    throw new FreshetError(
      'unavailable',
      `Docker still keeps the volumes ${projectOf(dataDirectory)}_*: start Docker and reset again, or, if it is gone for good, delete ${join(dataDirectory, MARK)}. ${toError(cause).message}`,
      { cause },
    );
  }
};

type Docker = (words: readonly string[], onLine: (line: string) => void) => Promise<void>;

/** Without a signal, each command runs to its end. */
const dockerCommand = (
  options: Pick<DockerStackOptions, 'dataDirectory' | 'environment'> & {
    readonly signal: AbortSignal | undefined;
  },
): Docker => {
  const { dataDirectory, environment, signal } = options;
  const command = findInPath('docker', environment);
  if (command === undefined)
    throw new FreshetError(
      'prerequisite-missing',
      'Docker was not found: install Docker with its compose plugin, or start without --docker.',
    );
  return async (words, onLine) => {
    const password = await serverPassword(dataDirectory, 'postgres');
    return run(command, words, onLine, {
      cwd: PROJECT,
      env: {
        ...environment,
        COMPOSE_PROJECT_NAME: projectOf(dataDirectory),
        FRESHET_POSTGRES_PASSWORD: password,
        // The page's own port is the gateway's, which runs outside: any other one here.
        FRESHET_PAGE_PORT: '',
      },
      ...(signal && { signal }),
    });
  };
};

/** How much of what Docker said an error repeats. */
const LAST_LINES = 6;

const run = (
  command: string,
  words: readonly string[],
  onLine: (line: string) => void,
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv; readonly signal?: AbortSignal },
): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, words, {
      ...options,
      stdio: ['ignore', 'ignore', 'pipe'],
      // A second Ctrl-C, which a terminal sends to all of its group, must not end what has to run to its end.
      detached: options.signal === undefined,
    });
    let said: readonly string[] = [];
    child.stderr.on('data', (bytes) => {
      const lines = String(bytes)
        .split(/[\r\n]+/)
        .map((line) => line.trim())
        .filter((line) => line !== '');
      said = [...said, ...lines].slice(-LAST_LINES);
      const last = lines.at(-1);
      if (last !== undefined) onLine(last.slice(0, 100));
    });
    const failed = (cause: string): void =>
      reject(
        new FreshetError(
          options.signal?.aborted ? 'not-running' : 'server-failed',
          `docker ${words.slice(0, 2).join(' ')} ${cause}: ${said.join('\n')}`,
        ),
      );
    child.on('error', ({ message }) => {
      // What was aborted still starts containers until it has ended: a stop before that would miss them.
      if (child.pid === undefined) failed(message);
    });
    child.once('close', (code) => (code === 0 ? resolve() : failed(`ended with code ${code}`)));
  });

/** The model of a native install where there is one; otherwise that of the image. */
const installModel = async (
  { cacheDirectory, signal }: DockerStackOptions,
  docker: Docker,
  progress: (detail: string) => void,
): Promise<string> => {
  const native = artifactsIn(cacheDirectory);
  if (existsSync(native.modelDirectory)) return native.modelDirectory;
  // Of its last folder alone: one above it may have such a name, too.
  const directory = join(cacheDirectory, basename(native.directory).replace(/^stack-/, 'model-'));
  await mkdir(cacheDirectory, { recursive: true });
  await installFolder(
    directory,
    progress,
    (partial) =>
      docker(
        [
          'build',
          ...['--file', 'deploy/Dockerfile', '--target', 'model'],
          ...['--output', `type=local,dest=${partial}`, '.'],
        ],
        progress,
      ),
    signal,
  );
  return directory;
};
