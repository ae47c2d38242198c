import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { InstallOptions } from './install-artifacts.ts';
import { installFolder } from './install-folder.ts';
import { runMaven } from './maven.ts';

/** A connector that only some sources need: what Maven fetches for it, into `${freshet.target}/<a folder>`. */
export type ConnectorPlugin = {
  /** Lower case and dashes. */
  readonly name: string;
  /** Absolute. Holds pom.xml. */
  readonly pomDirectory: string;
};

/** Where a plugin lies once it is installed: an entry of Connect's `plugin.path`. Another version has another folder. */
export const pluginFolder = (cacheDirectory: string, plugin: ConnectorPlugin): string => {
  const hash = createHash('sha256').update(readFileSync(join(plugin.pomDirectory, 'pom.xml')));
  return join(cacheDirectory, `plugin-${plugin.name}-${hash.digest('hex').slice(0, 12)}`);
};

/**
 * Installs a connector's jars below the cache directory; returns at once when they are there.
 * @throws FreshetError `install-failed` or `disk-full`
 */
export const installPlugin = async (plugin: ConnectorPlugin, options: InstallOptions): Promise<string> => {
  const directory = pluginFolder(options.cacheDirectory, plugin);
  const started = performance.now();
  const event = { part: 'artifacts' as const, ms: 0 };
  const progress = (detail: string): void =>
    options.onProgress({
      ...event,
      state: 'installing',
      ms: Math.round(performance.now() - started),
      detail,
    });
  const filled = await installFolder(
    directory,
    progress,
    async (partial) => {
      await runMaven({
        command: await options.findMaven(),
        pomDirectory: plugin.pomDirectory,
        modules: 1,
        target: partial,
        environment: options.environment,
        onProgress: progress,
        signal: options.signal,
      });
      await rm(join(partial, 'markers'), { recursive: true, force: true });
    },
    options.signal,
  );
  if (filled) options.onProgress({ ...event, state: 'ready', ms: Math.round(performance.now() - started) });
  return directory;
};
