/** `freshet prepare`: downloads all that a start would, and starts nothing; for images, and for machines that go offline later. */
import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { SOURCE_KINDS, sourcePlugins } from '../../connectors/sources/source-kinds.ts';
import { cacheDirectoryOf } from '../../connectors/stack/cache-directory.ts';
import type { ConnectorPlugin } from '../../connectors/stack/install-plugin.ts';
import { prepareStack } from '../../connectors/stack/prepare-stack.ts';
import { toFreshetError } from '../../schemas/errors.ts';
import { loadConfig } from '../load-config.ts';
import { createOutput } from '../output.ts';
import { createProgress, type Progress } from '../progress.ts';
import type { Surroundings } from './surroundings.ts';

interface PrepareOptions {
  readonly connectors: 'usual' | 'all';
  readonly folder?: string;
  readonly config: string;
  readonly json?: boolean;
}

export const addPrepareCommand = (freshet: Command, { root, environment }: Surroundings): void => {
  freshet
    .command('prepare')
    .description('download the servers and the embedding model; start nothing')
    .addOption(
      new Option(
        '--connectors <which>',
        "usual: Postgres's and those of the configuration; all: of every kind of source",
      )
        .choices(['usual', 'all'])
        .default('usual'),
    )
    .option('--folder <folder>', "copy Connect's plugins and the model there")
    .option('--config <file>', 'what is to be indexed, where there is one yet', 'freshet.config.ts')
    .option('--json', 'JSON')
    .action((options: PrepareOptions, command: Command) =>
      prepare(root, environment, options, command.getOptionValueSource('config') === 'cli'),
    );
};

const ALL_PLUGINS = Object.values(SOURCE_KINDS).flatMap(({ plugin }) => (plugin ? [plugin] : []));

const wanted = async (
  connectors: PrepareOptions['connectors'],
  configFile: string,
  isNamed: boolean,
  progress: Progress,
): Promise<readonly ConnectorPlugin[]> => {
  if (connectors === 'all') return ALL_PLUGINS;
  if (!isNamed && !existsSync(configFile)) return [];
  try {
    return sourcePlugins((await loadConfig(configFile)).sources);
  } catch (thrown) {
    if (isNamed) throw thrown;
    // Where an image is built, there may be neither the secrets nor the databases that it names.
    progress.line('connectors', `those of Postgres alone: ${toFreshetError(thrown).message}`);
    return [];
  }
};

const prepare = async (
  root: string,
  environment: NodeJS.ProcessEnv,
  { connectors, folder, config, json = false }: PrepareOptions,
  isConfigNamed: boolean,
): Promise<void> => {
  const progress = createProgress();
  const plugins = await wanted(connectors, resolve(root, config), isConfigNamed, progress);
  const { artifacts, pluginFolders } = await prepareStack({
    cacheDirectory: cacheDirectoryOf(environment),
    environment,
    // A folder is for containers, where Redis has an image of its own.
    names: ['kafka', 'connect', 'schemaRegistry', ...(folder === undefined ? (['redis'] as const) : [])],
    plugins,
    onProgress: ({ part, state, detail }) => progress.line(part, detail ?? state),
    signal: new AbortController().signal,
  });
  const into = folder === undefined ? null : resolve(root, folder);
  if (into !== null) {
    mkdirSync(join(into, 'plugins'), { recursive: true });
    for (const from of [artifacts.pluginDirectory, ...pluginFolders])
      cpSync(from, join(into, 'plugins'), { recursive: true });
    cpSync(artifacts.modelDirectory, join(into, 'model'), { recursive: true });
    progress.line('copied', into);
  }
  const left = ALL_PLUGINS.filter((each) => !plugins.includes(each)).map(({ name }) => name);
  progress.line(
    'prepared',
    `the next start downloads nothing${left.length > 0 ? `, unless a source needs ${left.join(', ')} (--connectors all)` : ''}`,
  );
  if (!json) return;
  const { directory, modelDirectory, pluginDirectory } = artifacts;
  createOutput(json).print(
    {
      ...{ connectors, directory, modelDirectory },
      pluginDirectories: [pluginDirectory, ...pluginFolders],
      copiedTo: into,
    },
    () => '',
  );
};
