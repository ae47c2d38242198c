import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type FreshetConfig, parseConfig } from '../schemas/config.ts';
import { FreshetError, toError } from '../schemas/errors.ts';

/** Reads freshet.config.ts. Errors: `config-invalid`, saying what to mend. */
export const loadConfig = async (path: string): Promise<FreshetConfig> => {
  const file = resolve(path);
  if (!existsSync(file))
    throw new FreshetError('config-invalid', `there is no configuration at ${file}; name one with --config`);
  try {
    // It is translated, not only stripped of its types: its errors name its own lines by this (connectors/typescript).
    process.setSourceMapsEnabled(true);
    const loaded = (await import(pathToFileURL(file).href)) as { default?: unknown };
    return parseConfig(loaded.default);
  } catch (error) {
    if (error instanceof FreshetError) throw error;
    throw new FreshetError('config-invalid', `${file} could not be loaded: ${toError(error).message}`, {
      cause: error,
    });
  }
};
