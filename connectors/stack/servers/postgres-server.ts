import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { appendFile, chmod, chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { toError } from '../../../schemas/errors.ts';
import { flushFolder } from '../../files/flush-folder.ts';
import type { ServerCommand } from '../server-command.ts';
import { freeBytesAt, serverFailure } from '../server-failure.ts';
import { settingsText } from '../server-settings.ts';
import { type Account, postgresAccount } from './postgres-account.ts';
import { postgresFolder, postgresPrograms } from './postgres-folders.ts';
import { logFileOf, type ServerContext } from './server-context.ts';
import { serverPassword } from './server-password.ts';

const run = promisify(execFile);

export const POSTGRES_USER = 'freshet';

/** Postgres with logical decoding, its folder made on the first start. */
export const postgresServer = async (context: ServerContext): Promise<ServerCommand> => {
  const account = postgresAccount();
  const [folder, programs, password] = await Promise.all([
    postgresFolder(context.dataDirectory, account),
    postgresPrograms(account),
    serverPassword(context.dataDirectory, 'postgres'),
  ]);
  const { directory } = folder;
  if (!existsSync(join(directory, 'PG_VERSION'))) {
    await initialise({ context, directory, programs, password, account });
  }
  await putSettings(directory);
  const port = context.ports.postgres;
  return {
    name: 'postgres',
    command: join(programs, 'postgres'),
    arguments: ['-D', directory, ...places(port)],
    directory,
    environment: { ...context.environment, LC_MESSAGES: 'C' },
    ...(account === undefined ? {} : { account }),
    logFile: logFileOf(context, 'postgres'),
    ports: [port],
    isReady: () => answers(port, password),
    readyDeadlineMs: 60_000,
    // "Fast": ends the sessions. SIGTERM would wait for every client to leave.
    stopSignal: 'SIGINT',
    stopDeadlineMs: 20_000,
  };
};

/** What deploy/postgres/postgresql.conf leaves open. */
const places = (port: number): readonly string[] =>
  Object.entries({ listen_addresses: '127.0.0.1', unix_socket_directories: '', port }).flatMap(
    ([name, value]) => ['-c', `${name}=${value}`],
  );

const INCLUDE = `include_if_exists = 'freshet.conf'\n`;

/** In its own configuration rather than among its arguments, so that ALTER SYSTEM can change it; today's with each start. */
const putSettings = async (directory: string): Promise<void> => {
  // A copy: its account may not be allowed where this project lies.
  await writeFile(join(directory, 'freshet.conf'), settingsText('postgres'), { mode: 0o644 });
  const file = join(directory, 'postgresql.conf');
  if (!(await readFile(file, 'utf8')).includes(INCLUDE)) await appendFile(file, INCLUDE);
};

type Initialisation = {
  readonly context: ServerContext;
  readonly directory: string;
  readonly programs: string;
  readonly password: string;
  readonly account: Account | undefined;
};

/** Makes the folder beside its place and renames it, so that a killed start leaves none half made. */
const initialise = async (options: Initialisation): Promise<void> => {
  const { context, directory, programs, password, account } = options;
  const parent = dirname(directory);
  await mkdir(parent, { recursive: true, mode: 0o711 });
  // initdb makes its own folders, so the account needs one that it owns to make them in.
  const workshop = join(parent, `postgres-${randomUUID()}.partial`);
  const passwordFile = join(workshop, 'password');
  await mkdir(workshop, { mode: 0o700 });
  try {
    await writeFile(passwordFile, password, { mode: 0o600 });
    if (account !== undefined) {
      await chown(passwordFile, account.uid, account.gid);
      await chown(workshop, account.uid, account.gid);
    }
    const made = join(workshop, 'data');
    await run(
      join(programs, 'initdb'),
      [
        ...[`--pgdata=${made}`, `--username=${POSTGRES_USER}`, `--pwfile=${passwordFile}`],
        ...['--auth=scram-sha-256', '--encoding=UTF8', '--no-locale', '--no-instructions'],
        // Nothing in it is worth a sync yet, and the syncs take seconds.
        '--no-sync',
      ],
      { env: { ...context.environment, LC_MESSAGES: 'C' }, cwd: workshop, ...(account ?? {}) },
    );
    await chmod(made, 0o700);
    await rm(directory, { recursive: true, force: true });
    await rename(made, directory);
    flushFolder(dirname(directory));
  } catch (error) {
    throw serverFailure({
      ...{ server: 'postgres', what: 'could not make its folder', log: toError(error).message },
      ...{ logFile: directory, freeBytes: await freeBytesAt(parent) },
    });
  } finally {
    await rm(workshop, { recursive: true, force: true });
  }
};

const answers = async (port: number, password: string): Promise<boolean> => {
  const client = new Client({
    ...{ host: '127.0.0.1', port, user: POSTGRES_USER, password, database: 'postgres' },
    connectionTimeoutMillis: 1000,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
};
