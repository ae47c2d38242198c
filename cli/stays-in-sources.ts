/** What a reset leaves in the databases that changes come from: nothing is done there unasked. */
import { existsSync } from 'node:fs';
import { SOURCE_KINDS } from '../connectors/sources/source-kinds.ts';
import type { FreshetConfig } from '../schemas/config.ts';
import { toFreshetError } from '../schemas/errors.ts';
import { loadConfig } from './load-config.ts';

export interface StaysInSource {
  readonly source: string;
  /** Statements that remove it. */
  readonly remove: readonly string[];
}

/** The sample goes with the folder. */
const staysBy = ({ sources }: Pick<FreshetConfig, 'sources'>): readonly StaysInSource[] =>
  Object.entries(sources)
    .filter(([, { url }]) => url !== 'sample')
    .map(([source, { kind }]) => ({ source, remove: SOURCE_KINDS[kind].removal(source) }));

type Stays =
  | { readonly stays: readonly StaysInSource[] }
  | { readonly stays: null; readonly unknown: string };

/** Of the sources that a configuration names. One that cannot be read keeps nobody from a reset: `unknown` says why. */
export const staysInSources = async (configFile: string): Promise<Stays> => {
  if (!existsSync(configFile)) return { stays: [] };
  try {
    return { stays: staysBy(await loadConfig(configFile)) };
  } catch (thrown) {
    return { stays: null, unknown: toFreshetError(thrown).message };
  }
};
