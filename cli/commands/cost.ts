/** `freshet cost report [--by agent|tool|feature|tenant|step|model] [--since 24h]`. */
import type { Command } from 'commander';
import type { z } from 'zod';
import type { costsSchema } from '../../gateway/routes/cost-routes.ts';
import { createOutput, table } from '../output.ts';
import { gatewayOf, type Surroundings } from './surroundings.ts';

type Costs = z.infer<typeof costsSchema>;
type Total = Costs['groups'][number];

const DIGITS = 6;

/** Exact amounts are in --json; a table is read by people. */
const short = (usd: string): string => {
  const [whole = '0', fraction = ''] = usd.split('.');
  return fraction.length > DIGITS ? Number(usd).toPrecision(3) : fraction === '' ? whole : usd;
};

const shareOf = (part: Total, usd: string): string =>
  Number(usd) === 0 ? '0 %' : `${Math.round((100 * Number(part.usd)) / Number(usd))} %`;

const whyOf = ({ name, why }: Costs['agents'][number]): readonly string[] => {
  const usd = String(why.byStep.reduce((sum, each) => sum + Number(each.usd), 0));
  const steps = why.byStep.map((each) => `${each.name ?? '–'} ${shareOf(each, usd)}`).join(', ');
  const models = why.byModel.map((each) => `${each.name ?? '–'} (${each.calls} calls)`).join(', ');
  return [
    '',
    name,
    `  steps    ${steps}`,
    `  calls    ${why.callsPerExecution} per execution, ${why.inputTokensPerCall} tokens in and ${why.outputTokensPerCall} out each, ${Math.round(100 * why.cachedShare)} % of those in cached`,
    `  models   ${models || 'none'}`,
    `  retries  ${why.failedCalls} failed, ${why.lostCalls} lost, $${short(why.wastedUsd)} for nothing`,
  ];
};

const describe = ({ by, since, complete, usd, groups, agents, comparison }: Costs): string => {
  if (groups.length === 0) return 'nothing was spent';
  const sums = table(
    [by, 'usd', 'executions', 'calls', 'failed', 'lost', 'tokens in', 'cached', 'tokens out'],
    groups.map((each) => [
      each.name ?? '–',
      each.usd,
      String(each.executions),
      String(each.calls),
      String(each.failed),
      String(each.unsettled),
      String(each.inputTokens),
      String(each.cachedInputTokens),
      String(each.outputTokens),
    ]),
  );
  const perExecution = table(
    ['agent', 'executions', 'mean', 'p50', 'p95', 'max'],
    agents.map(({ name, executions, perExecution: each }) => [
      name,
      String(executions),
      ...[each.mean, each.p50, each.p95, each.max].map((amount) => `$${short(amount)}`),
    ]),
  );
  return [
    sums,
    '',
    `in all $${usd}, since ${since ?? '–'}${complete ? '' : '; older costs are no longer held by this gateway'}`,
    '',
    'per execution',
    perExecution,
    ...agents.flatMap(whyOf),
    ...(comparison.length > 0 ? ['', ...comparison] : []),
  ].join('\n');
};

export const addCostCommand = (freshet: Command, surroundings: Surroundings): void => {
  freshet
    .command('cost')
    .description('what executions cost')
    .command('report')
    .description('money, calls and tokens by group; per agent what an execution costs, and why')
    .option('--by <group>', 'agent, tool, feature, tenant, step or model', 'agent')
    .option('--since <when>', 'a span before now, such as 24h, or a time')
    .option('--tenant <tenant>', 'of this tenant')
    .option('--json', 'JSON')
    .action(async (options: { by: string; since?: string; tenant?: string; json?: boolean }) => {
      const { by, since, tenant } = options;
      const costs = await gatewayOf(surroundings).get<Costs>('/v1/costs', { by, since, tenant });
      createOutput(options.json ?? false).print(costs, describe);
    });
};
