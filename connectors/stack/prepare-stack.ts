import { existsSync } from 'node:fs';
import { FreshetError } from '../../schemas/errors.ts';
import { type Artifacts, artifactsIn } from './artifacts.ts';
import type { Java, Redis } from './find-commands.ts';
import { installArtifacts } from './install-artifacts.ts';
import { type ConnectorPlugin, installPlugin, pluginFolder } from './install-plugin.ts';
import type { Prerequisite } from './package-install.ts';
import { ensurePrerequisites } from './prerequisites.ts';
import type { Environment, OnStackEvent, ServerName } from './stack-event.ts';

export type PreparedStack = {
  readonly artifacts: Artifacts;
  readonly java: () => Java;
  readonly redis: () => Redis;
  readonly mariadb: () => string;
  /** Folders of connectors beside those that always come. */
  readonly pluginFolders: readonly string[];
};

/**
 * Finds or installs what these servers need. The embedding model comes with the artifacts whichever servers are chosen.
 * @throws FreshetError `prerequisite-missing`, `install-failed`, `checksum-mismatch` or `disk-full`
 */
export const prepareStack = async (options: {
  readonly cacheDirectory: string;
  readonly environment: Environment;
  readonly names: readonly ServerName[];
  readonly plugins: readonly ConnectorPlugin[];
  readonly onProgress: OnStackEvent;
  readonly signal: AbortSignal;
}): Promise<PreparedStack> => {
  const { cacheDirectory, environment, names, plugins, onProgress, signal } = options;
  const needsJava = names.some((name) => name === 'kafka' || name === 'connect' || name === 'schemaRegistry');
  const folders = [
    artifactsIn(cacheDirectory).directory,
    ...plugins.map((plugin) => pluginFolder(cacheDirectory, plugin)),
  ];
  const needed: Prerequisite[] = [
    ...(needsJava ? (['java'] as const) : []),
    ...(names.includes('redis') ? (['redis'] as const) : []),
    ...(names.includes('mariadb') ? (['mariadb'] as const) : []),
    ...(folders.every((folder) => existsSync(folder)) ? [] : (['maven'] as const)),
  ];
  const found = await ensurePrerequisites({ environment, needed, onProgress });
  const install = {
    cacheDirectory,
    environment,
    findMaven: async () => present(found.maven, 'Maven'),
    onProgress,
    signal,
  };
  const artifacts = await installArtifacts(install);
  const pluginFolders: string[] = [];
  for (const plugin of plugins) pluginFolders.push(await installPlugin(plugin, install));
  return {
    artifacts,
    pluginFolders,
    java: () => present(found.java, 'Java'),
    redis: () => present(found.redis, 'Redis'),
    mariadb: () => present(found.mariadb, 'MariaDB'),
  };
};

const present = <T>(found: T | undefined, what: string): T => {
  if (found !== undefined) return found;
  throw new FreshetError('prerequisite-missing', `${what} was not found: install it and start again.`);
};
