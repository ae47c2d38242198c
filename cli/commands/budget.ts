/** `freshet budget show|set`: money of a UTC day, per agent and per tenant. */
import type { Command } from 'commander';
import { FreshetError } from '../../schemas/errors.ts';
import { asked, type Consent, withConsent } from '../consent.ts';
import { createOutput, table } from '../output.ts';
import { gatewayOf, type Surroundings } from './surroundings.ts';

interface Budgets {
  readonly day: string;
  readonly known: boolean;
  readonly complete: boolean;
  readonly budgets: readonly {
    readonly of: string;
    readonly name: string;
    readonly usdPerDay: string | null;
    readonly from: string;
    readonly spentUsd: string | null;
    readonly remainingUsd: string | null;
    readonly by: string | null;
    readonly reason: string | null;
  }[];
}

const NO_LIMIT = 'none';

export const addBudgetCommands = (freshet: Command, surroundings: Surroundings): void => {
  const noun = freshet.command('budget').description('money of a day, per agent and per tenant');
  noun
    .command('show')
    .description('limit, spent and left of this UTC day, and who set it')
    .option('--json', 'JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const found = await gatewayOf(surroundings).get<Budgets>('/v1/budgets');
      createOutput(json ?? false).print(found, ({ day, known, complete, budgets }) =>
        [
          table(
            ['of', 'name', 'usd a day', 'spent', 'left', 'from', 'reason'],
            budgets.map((each) => [
              each.of,
              each.name,
              each.usdPerDay ?? 'no limit set',
              each.spentUsd ?? '–',
              each.remainingUsd ?? '–',
              each.by === null ? each.from : `${each.from} by ${each.by}`,
              each.reason ?? '',
            ]),
          ),
          '',
          known
            ? `${day}, UTC`
            : `${day}, UTC; what was spent under a limit is being counted: calls that it holds wait until it is`,
          ...(complete ? [] : ['what was spent without a limit is more than the gateway keeps']),
        ].join('\n'),
      );
    });
  withConsent(noun.command('set'))
    .description('what an agent or a tenant may spend in a UTC day')
    .requiredOption(
      '--usd <decimal>',
      `such as 5.00; ${NO_LIMIT}: what the agent's definition says, or no limit`,
    )
    .option('--agent <agent>', 'of this agent, for all tenants together')
    .option('--tenant <tenant>', 'of this tenant, for all agents together')
    .action(async (options: Consent & { usd: string; agent?: string; tenant?: string }) => {
      const { usd, agent, tenant } = options;
      if ((agent === undefined) === (tenant === undefined))
        throw new FreshetError('usage', 'name one: --agent or --tenant');
      const done = await gatewayOf(surroundings).put<{ readonly dryRun: boolean }>('/v1/budgets', {
        usdPerDay: usd === NO_LIMIT ? null : usd,
        ...(agent === undefined ? { tenant } : { agent }),
        ...asked(options),
      });
      const said = `${agent ?? tenant}: ${usd === NO_LIMIT ? 'no limit of its own' : `${usd} USD a day`}`;
      createOutput(options.json ?? false).print(done, ({ dryRun }) => (dryRun ? `would set ${said}` : said));
    });
};
