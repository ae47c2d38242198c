/** `freshet cost report [--by agent|tool|feature|tenant]`. */
import type { Command } from 'commander';
import { createOutput, table } from '../output.ts';
import { gatewayOf, type Surroundings } from './surroundings.ts';

interface Costs {
  readonly by: string;
  readonly since: string | null;
  readonly groups: readonly {
    readonly name: string | null;
    readonly usd: string;
    readonly calls: number;
    readonly executions: number;
    readonly inputTokens: number;
    readonly outputTokens: number;
  }[];
}

export const addCostCommand = (freshet: Command, surroundings: Surroundings): void => {
  freshet
    .command('cost')
    .description('what executions cost')
    .command('report')
    .description('money, calls and tokens by agent, tool, feature or tenant')
    .option('--by <group>', 'agent, tool, feature or tenant', 'agent')
    .option('--json', 'JSON')
    .action(async (options: { by: string; json?: boolean }) => {
      const costs = await gatewayOf(surroundings).get<Costs>('/v1/costs', { by: options.by });
      createOutput(options.json ?? false).print(costs, ({ by, since, groups }) =>
        groups.length === 0
          ? 'nothing was spent'
          : `${table(
              [by, 'usd', 'executions', 'calls', 'tokens in', 'tokens out'],
              groups.map((each) => [
                each.name ?? '–',
                each.usd,
                String(each.executions),
                String(each.calls),
                String(each.inputTokens),
                String(each.outputTokens),
              ]),
            )}\n\nsince ${since ?? '–'}`,
      );
    });
};
