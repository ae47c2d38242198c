/** `freshet agent list|kill|revive`: who works on tasks, and the switch that stops them. */
import type { Command } from 'commander';
import { FreshetError } from '../../schemas/errors.ts';
import { asked, type Consent, requireYes, withConsent } from '../consent.ts';
import { createOutput, table } from '../output.ts';
import { gatewayOf, type Surroundings } from './surroundings.ts';

interface Kill {
  readonly agent: string | null;
  readonly tenant: string | null;
  readonly by: string;
  readonly reason: string | null;
  readonly at: string | null;
}

interface Agent {
  readonly name: string;
  readonly version: string;
  readonly health: { readonly state: string };
}

interface Switched {
  readonly dryRun: boolean;
}

const VERBS = {
  kill: {
    says: 'stop it within a second: running executions end at their next step',
    done: 'killed',
    asks: { yes: 'required without an agent, or without --tenant' },
  },
  revive: { says: 'let it work again', done: 'revived', asks: {} },
} as const;

const told = ({ tenant, by, reason, at }: Kill): string =>
  `killed ${tenant === null ? 'for all tenants' : `for ${tenant}`} by ${by} at ${at ?? '–'}${reason ? `: ${reason}` : ''}`;

export const addAgentCommands = (freshet: Command, surroundings: Surroundings): void => {
  const noun = freshet.command('agent').description('agents, and the switch that stops them');
  noun
    .command('list')
    .description('agents, and where they are stopped')
    .option('--json', 'JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const gateway = gatewayOf(surroundings);
      const [{ agents }, { kills }] = await Promise.all([
        gateway.get<{ readonly agents: readonly Agent[] }>('/v1/agents'),
        gateway.get<{ readonly kills: readonly Kill[] }>('/v1/kills'),
      ]);
      const found = {
        agents: agents.map(({ name, version, health }) => ({
          agent: name,
          version,
          health: health.state,
          killed: kills.filter((each) => each.agent === name),
        })),
        tenants: kills.filter((each) => each.agent === null),
      };
      createOutput(json ?? false).print(found, (all) =>
        [
          table(
            ['agent', 'version', 'health', 'state'],
            all.agents.map(({ agent, version, health, killed }) => [
              agent,
              version,
              health,
              killed.map(told).join('; ') || 'works',
            ]),
          ),
          ...all.tenants.map((each) => `every agent: ${told(each)}`),
        ].join('\n'),
      );
    });
  for (const verb of Object.keys(VERBS) as (keyof typeof VERBS)[]) {
    withConsent(noun.command(`${verb} [agent]`), VERBS[verb].asks)
      .description(VERBS[verb].says)
      .option('--tenant <tenant>', 'for this tenant alone; without an agent, every agent for it')
      .action(async (agent: string | undefined, options: Consent & { tenant?: string }) => {
        const { tenant } = options;
        if (agent === undefined && tenant === undefined)
          throw new FreshetError('usage', 'name an agent, or a tenant by --tenant');
        if (verb === 'kill' && tenant === undefined)
          requireYes(`kill ${agent} for all tenants`, options, '--tenant for one alone');
        if (verb === 'kill' && agent === undefined)
          requireYes(`kill every agent for ${tenant}`, options, 'name one');
        const gateway = gatewayOf(surroundings);
        const done =
          agent === undefined
            ? await gateway.post<Switched>(
                `/v1/tenants/${encodeURIComponent(tenant ?? '')}/${verb}`,
                asked(options),
              )
            : await gateway.post<Switched>(`/v1/agents/${encodeURIComponent(agent)}/${verb}`, {
                ...asked(options),
                ...(tenant === undefined ? {} : { tenant }),
              });
        createOutput(options.json ?? false).print(
          done,
          ({ dryRun }) =>
            `${dryRun ? `would ${verb}` : VERBS[verb].done} ${agent ?? 'every agent'}${tenant === undefined ? '' : ` for ${tenant}`}`,
        );
      });
  }
};
