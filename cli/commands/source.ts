/** `freshet source list|status`: where changes come from. */
import type { Command } from 'commander';
import { openConnectApi } from '../../connectors/debezium/connect-api.ts';
import { sourceNames } from '../../connectors/debezium/connector-config.ts';
import { healthOf } from '../../connectors/debezium/connector-health-state.ts';
import { inspectPostgres } from '../../connectors/sources/postgres/inspect-postgres.ts';
import { loadConfig } from '../load-config.ts';
import { createOutput, table } from '../output.ts';
import { requireRun } from '../run-file.ts';
import type { Surroundings } from './surroundings.ts';

export const addSourceCommand = (freshet: Command, { root }: Surroundings): void => {
  const source = freshet.command('source').description('the databases that changes come from');
  source
    .command('list')
    .description('sources and their tables')
    .option('--json', 'JSON')
    .action(async (options: { json?: boolean }) => {
      const config = await loadConfig(requireRun(root).config);
      const sources = Object.entries(config.sources).map(([name, { kind, tables }]) => ({
        name,
        kind,
        tables: Object.keys(tables),
      }));
      createOutput(options.json ?? false).print(sources, (all) =>
        table(
          ['source', 'kind', 'tables'],
          all.map((each) => [each.name, each.kind, each.tables.join(', ')]),
        ),
      );
    });
  source
    .command('status')
    .description('connector, slot and retained WAL of each source')
    .option('--json', 'JSON')
    .action(async (options: { json?: boolean }) => {
      const run = requireRun(root);
      const connect = openConnectApi(run.connect);
      const sources = await Promise.all(
        Object.entries(run.sources).map(async ([name, url]) => {
          const names = sourceNames(name);
          const health = await connect.status(names.connector).then(
            (status) => healthOf(status ?? 'missing'),
            () => healthOf('unreachable'),
          );
          const { version, slot } = await inspectPostgres(url, names.slot);
          return {
            name,
            connector: health.kind,
            reason: health.kind === 'failed' ? health.reason : null,
            version,
            slot: slot ?? null,
          };
        }),
      );
      createOutput(options.json ?? false).print(sources, (all) =>
        table(
          ['source', 'connector', 'PostgreSQL', 'slot', 'WAL retained'],
          all.map((each) => [
            each.name,
            each.connector,
            each.version,
            each.slot ? (each.slot.active ? 'active' : 'idle') : 'missing',
            each.slot ? `${Math.round(each.slot.retainedBytes / 1024)} KiB` : '–',
          ]),
        ),
      );
    });
};
