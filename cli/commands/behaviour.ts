/** `freshet behaviour list`. */
import type { Command } from 'commander';
import { createOutput, table } from '../output.ts';
import { gatewayOf, type Surroundings } from './surroundings.ts';

interface Behaviour {
  readonly agent: string;
  readonly version: string;
  readonly runs: boolean;
}

export const addBehaviourCommand = (freshet: Command, surroundings: Surroundings): void => {
  freshet
    .command('behaviour')
    .description('versions of agents')
    .command('list')
    .description(
      'the versions that the configuration holds: the one that runs, and the others to replay with',
    )
    .option('--json', 'JSON')
    .action(async (options: { json?: boolean }) => {
      const { behaviours } = await gatewayOf(surroundings).get<{ behaviours: readonly Behaviour[] }>(
        '/v1/behaviours',
      );
      createOutput(options.json ?? false).print(behaviours, (all) =>
        table(
          ['agent', 'version', ''],
          all.map(({ agent, version, runs }) => [
            agent,
            version,
            runs ? 'runs' : 'for replay --behaviour, and for executions that ran under it',
          ]),
        ),
      );
    });
};
