import { join } from 'node:path';
import type { Artifacts } from '../artifacts.ts';
import type { Java, Redis } from '../find-commands.ts';
import type { StackPorts } from '../ports.ts';
import type { Environment, ServerName } from '../stack-event.ts';

/** What a server's command is made from. */
export type ServerContext = {
  readonly dataDirectory: string;
  readonly cacheDirectory: string;
  readonly ports: StackPorts;
  readonly environment: Environment;
  /** See StackOptions. */
  readonly workerSettings?: Readonly<Record<string, string | number>>;
};

export type JavaServerContext = ServerContext & { readonly java: Java; readonly artifacts: Artifacts };
export type ConnectServerContext = JavaServerContext & { readonly pluginFolders: readonly string[] };
export type MariaDbServerContext = ServerContext & { readonly mariadb: string };
export type RedisServerContext = ServerContext & { readonly redis: Redis };

/** The log of a server's current run; the one before is kept beside it with `.1` at its end. */
export const logFileOf = (context: ServerContext, name: ServerName): string =>
  join(context.dataDirectory, 'logs', `${name}.log`);

/**
 * Java's properties format, which is read as Latin-1: a letter beyond ASCII, as in the path of a home folder, goes as an escape.
 * Line ends don't occur in our values, and backslashes in paths on Windows alone.
 */
export const propertiesText = (settings: Readonly<Record<string, string | number>>): string =>
  Object.entries(settings)
    .map(([name, value]) => `${name}=${escaped(String(value))}\n`)
    .join('');

const escaped = (value: string): string =>
  value
    .replaceAll('\\', '\\\\')
    // Unit by unit, so that what lies beyond 16 bits goes as its two halves.
    .replace(/[^\0-~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
