/** `freshet prepare`: downloads all that a start would, and starts nothing; for images, and for machines that go offline later. */
import { cpSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { SOURCE_KINDS } from '../../connectors/sources/source-kinds.ts';
import { cacheDirectoryOf } from '../../connectors/stack/cache-directory.ts';
import { prepareStack } from '../../connectors/stack/prepare-stack.ts';
import { createOutput } from '../output.ts';
import { createProgress } from '../progress.ts';
import type { Surroundings } from './surroundings.ts';

interface PrepareOptions {
  readonly connectors: 'usual' | 'all';
  readonly folder?: string;
  readonly json?: boolean;
}

export const addPrepareCommand = (freshet: Command, { root, environment }: Surroundings): void => {
  freshet
    .command('prepare')
    .description('download the servers and the embedding model; start nothing')
    .addOption(
      new Option('--connectors <which>', "usual: Postgres's; all: of every kind of source")
        .choices(['usual', 'all'])
        .default('usual'),
    )
    .option('--folder <folder>', "copy Connect's plugins and the model there")
    .option('--json', 'JSON')
    .action((options: PrepareOptions) => prepare(root, environment, options));
};

const prepare = async (
  root: string,
  environment: NodeJS.ProcessEnv,
  { connectors, folder, json = false }: PrepareOptions,
): Promise<void> => {
  const progress = createProgress();
  const plugins = Object.values(SOURCE_KINDS).flatMap(({ plugin }) => (plugin ? [plugin] : []));
  const { artifacts, pluginFolders } = await prepareStack({
    cacheDirectory: cacheDirectoryOf(environment),
    environment,
    names: ['kafka', 'connect', 'schemaRegistry'],
    plugins: connectors === 'all' ? plugins : [],
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
  progress.line('prepared', 'the next start downloads nothing');
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
