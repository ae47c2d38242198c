import { spawn } from 'node:child_process';
import { accessSync, constants, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Environment } from './stack-event.ts';

export const JAVA_VERSION_NEEDED = 17;

export type Java = {
  readonly command: string;
  /** Java's own description of itself, of which the first line holds the version. */
  readonly description: string;
};

/** `argv0` is the name under which the command is to be run. */
export type Redis = { readonly command: string; readonly argv0: string };

/** The full path of a command in PATH. */
export const findInPath = (command: string, environment: Environment): string | undefined => {
  const directories = (environment.PATH ?? '').split(delimiter).filter((directory) => directory !== '');
  return directories.map((directory) => join(directory, command)).find(isExecutable);
};

const isExecutable = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** A Java of at least version 17: JAVA_HOME's, PATH's, or one that lies where packages put it. */
export const findJava = async (environment: Environment): Promise<Java | undefined> => {
  const home = environment.JAVA_HOME;
  const candidates = [
    ...(home ? [join(home, 'bin', 'java')] : []),
    findInPath('java', environment) ?? '',
    ...installedJavas(),
  ];
  for (const command of candidates.filter(isExecutable)) {
    const described = await describe(command, ['-version']);
    const version = javaVersion(described);
    if (version !== undefined && version >= JAVA_VERSION_NEEDED) return { command, description: described };
  }
  return undefined;
};

const installedJavas = (): string[] => {
  const homebrew = ['/opt/homebrew/opt/openjdk@17/bin/java', '/usr/local/opt/openjdk@17/bin/java'];
  try {
    const parent = '/usr/lib/jvm';
    return [...readdirSync(parent).map((name) => join(parent, name, 'bin', 'java')), ...homebrew];
  } catch {
    return homebrew;
  }
};

/** The feature version in what `java -version` prints. */
export const javaVersion = (description: string): number | undefined => {
  const match = /version "(?:1\.)?(\d+)/.exec(description);
  return match ? Number(match[1]) : undefined;
};

/**
 * Redis's server. Debian's package `redis-tools` holds the very same file under another name, and unlike `redis-server`
 * installs no service that starts by itself.
 */
export const findRedis = async (environment: Environment): Promise<Redis | undefined> => {
  const server = findInPath('redis-server', environment);
  if (server !== undefined) return { command: server, argv0: 'redis-server' };
  const same = findInPath('redis-check-rdb', environment);
  if (same === undefined) return undefined;
  const said = await describe(same, ['--version'], 'redis-server');
  return said.startsWith('Redis server') ? { command: same, argv0: 'redis-server' } : undefined;
};

/** MariaDB's server, in PATH or where Debian puts what only root is thought to run. */
export const findMariaDb = (environment: Environment): string | undefined =>
  findInPath('mariadbd', environment) ?? ['/usr/sbin/mariadbd', '/usr/libexec/mariadbd'].find(isExecutable);

/** What a command says of itself; empty when it can't be run or says nothing within 10 s. (execFile has no argv0.) */
const describe = (command: string, words: readonly string[], argv0 = command): Promise<string> =>
  new Promise((resolve) => {
    const child = spawn(command, words, { argv0, stdio: ['ignore', 'pipe', 'pipe'], timeout: 10_000 });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (said += String(bytes)));
    child.once('error', () => resolve(''));
    child.once('close', (code) => resolve(code === 0 ? said : ''));
  });
