import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { flushFolder } from '../../files/flush-folder.ts';
import { socketProbe } from '../ready-probe.ts';
import type { ServerCommand } from '../server-command.ts';
import { freeBytesAt, serverFailure } from '../server-failure.ts';
import { logFileOf, type MariaDbServerContext } from './server-context.ts';
import { serverPassword } from './server-password.ts';

const USER = 'freshet';

/** mysql://user:password@127.0.0.1:port/ of the account that may do everything. */
export const mariadbUrl = async (dataDirectory: string, port: number): Promise<string> =>
  `mysql://${USER}:${await serverPassword(dataDirectory, 'mariadb')}@127.0.0.1:${port}/`;

/** MariaDB with a row-based binlog, as a source to try things on; never the system's own service or its data. */
export const mariadbServer = async (context: MariaDbServerContext): Promise<ServerCommand> => {
  const directory = join(context.dataDirectory, 'mariadb');
  const port = context.ports.mariadb;
  if (!existsSync(directory)) await initialise(context, directory);
  return {
    name: 'mariadb',
    command: context.mariadb,
    arguments: [
      ...words(directory),
      // It keeps its socket and temporary files where its data is, so two of them share nothing.
      ...['--bind-address=127.0.0.1', `--port=${port}`, '--socket=mariadb.sock', `--tmpdir=${directory}`],
      ...['--skip-name-resolve', '--performance-schema=OFF'],
      ...['--server-id=1', '--log-bin=binlog', '--binlog-format=ROW', '--binlog-row-image=FULL'],
      // A commit that was acknowledged is in the binlog, whatever kills the server.
      ...['--sync-binlog=1', '--innodb-flush-log-at-trx-commit=1'],
    ],
    directory,
    environment: context.environment,
    logFile: logFileOf(context, 'mariadb'),
    ports: [port],
    // Protocol version 10 greets whoever connects.
    isReady: socketProbe(port, '', (greeting) => (greeting.length < 5 ? undefined : greeting[4] === 10)),
    readyDeadlineMs: 60_000,
    stopSignal: 'SIGTERM',
    stopDeadlineMs: 20_000,
  };
};

/** What the server and the making of its folder have in common. */
const words = (directory: string): readonly string[] => [
  '--no-defaults',
  `--datadir=${directory}`,
  // Refused to root otherwise. It has loopback alone to listen on and a folder of its own.
  ...(process.getuid?.() === 0 ? ['--user=root'] : []),
  '--innodb-buffer-pool-size=32M',
  '--innodb-log-file-size=16M',
];

const SCRIPTS = [
  'mysql_system_tables.sql',
  'mysql_performance_tables.sql',
  'mysql_system_tables_data.sql',
  'maria_add_gis_sp_bootstrap.sql',
];

/**
 * Makes the folder beside its place and renames it, so that a killed start leaves none half made. By the server itself, as
 * mariadb-install-db does: that script needs programs of the client's package.
 */
const initialise = async (context: MariaDbServerContext, directory: string): Promise<void> => {
  const partial = `${directory}-${randomUUID()}.partial`;
  await mkdir(partial, { recursive: true, mode: 0o700 });
  try {
    const password = await serverPassword(context.dataDirectory, 'mariadb');
    const scripts = await Promise.all(SCRIPTS.map((name) => readFile(scriptPath(context.mariadb, name))));
    const statements = [
      'create database if not exists mysql;',
      'use mysql;',
      'set @auth_root_socket = null;',
      ...scripts.map(String),
      "delete from global_priv where user in ('root', '');",
      // The alphabet of the password is base64url's: nothing in it to escape.
      `insert into global_priv select '127.0.0.1', '${USER}', json_object('access', ~0, 'plugin', 'mysql_native_password', 'authentication_string', password('${password}'));`,
    ];
    await bootstrap(context, partial, `${statements.join('\n')}\n`);
    await rename(partial, directory);
    flushFolder(dirname(directory));
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
};

const scriptPath = (command: string, name: string): string => {
  const share = join(dirname(dirname(command)), 'share');
  return (
    ['mysql', 'mariadb'].map((folder) => join(share, folder, name)).find(existsSync) ?? join(share, name)
  );
};

const bootstrap = (context: MariaDbServerContext, directory: string, sql: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = spawn(
      context.mariadb,
      [...words(directory), '--bootstrap', '--silent-startup', '--max-allowed-packet=8M'],
      { env: { ...context.environment }, stdio: ['pipe', 'ignore', 'pipe'] },
    );
    let log = '';
    child.stderr.on('data', (bytes) => (log += String(bytes)));
    const failed = async (what: string): Promise<void> =>
      reject(
        serverFailure({
          ...{ server: 'mariadb', what, log, logFile: directory },
          freeBytes: await freeBytesAt(context.dataDirectory),
        }),
      );
    child.once('error', (error) => void failed(`could not be run (${error.message})`));
    child.once('close', (code) => (code === 0 ? resolve() : void failed('could not make its folder')));
    child.stdin.on('error', () => undefined);
    child.stdin.end(sql);
  });
