/** `freshet behaviour list|deploy|promote|rollback`: versions of agents, and which of them new tasks run under. */
import type { Command } from 'commander';
import { FreshetError } from '../../schemas/errors.ts';
import { asked, type Consent, requireYes, withConsent } from '../consent.ts';
import { createOutput } from '../output.ts';
import { type Behaviour, describeBehaviours, percent, type Rollout } from './rollout-shown.ts';
import { gatewayOf, type Surroundings } from './surroundings.ts';

interface Changed {
  readonly rollout: Rollout;
  /** The version that the configuration runs. */
  readonly runs: string;
  readonly dryRun: boolean;
}

const pathOf = (agent: string, verb: string): string => `/v1/behaviours/${encodeURIComponent(agent)}/${verb}`;

/** 0.25 or 25%. Errors: `usage`. */
export const shareOf = (text: string): number => {
  const [, number, sign] = /^(\d{1,3}(?:\.\d{1,3})?)\s*(%?)$/.exec(text) ?? [];
  const share = Number(number) / (sign === '%' ? 100 : 1);
  if (number === undefined || share <= 0 || share > 1)
    throw new FreshetError('usage', '--share: a part of new tasks, such as 0.05 or 5%, up to 1');
  return share;
};

const told = ({ rollout, runs, dryRun }: Changed): string => {
  const { agent, stable, candidate, state, share } = rollout;
  const done = {
    canary: `${percent(share)} of new tasks of ${agent} run under ${candidate}, the others under ${stable}`,
    promoted: `every new task of ${agent} runs under ${candidate}; make it the agent's own version in freshet.config.ts`,
    'rolled-back':
      runs === candidate
        ? `the rollout is over, and the configuration itself runs ${candidate} of ${agent}: choose another version there`
        : `no new task of ${agent} runs under ${candidate}, all under ${stable}`,
  }[state];
  return dryRun ? `would be so: ${done}` : done;
};

export const addBehaviourCommands = (freshet: Command, surroundings: Surroundings): void => {
  const noun = freshet.command('behaviour').description('versions of agents');
  const change = async (agent: string, verb: string, body: object, { json = false }: Consent) =>
    createOutput(json).print(await gatewayOf(surroundings).post<Changed>(pathOf(agent, verb), body), told);

  noun
    .command('list')
    .description('the versions that the configuration holds, and how the one that is tried does')
    .option('--json', 'JSON')
    .action(async ({ json = false }: { json?: boolean }) =>
      createOutput(json).print(
        await gatewayOf(surroundings).get<{
          readonly behaviours: readonly Behaviour[];
          readonly rollouts: readonly Rollout[];
        }>('/v1/behaviours'),
        describeBehaviours,
      ),
    );
  withConsent(noun.command('deploy <agent> <version>'), { yes: 'required with a share of 1' })
    .description('run a share of new tasks under another version; again with more to go on with it')
    .requiredOption('--share <share>', 'of new tasks, such as 0.05 or 5%; of a session all or none')
    .action(async (agent: string, version: string, options: Consent & { share: string }) => {
      const share = shareOf(options.share);
      if (share === 1) requireYes(`run every new task of ${agent} under ${version}`, options);
      await change(agent, 'deploy', { version, share, ...asked(options) }, options);
    });
  withConsent(noun.command('promote <agent>'), { yes: 'required' })
    .description('run every new task under the version that was tried')
    .action(async (agent: string, options: Consent) => {
      requireYes(`run every new task of ${agent} under the version that was tried`, options);
      await change(agent, 'promote', asked(options), options);
    });
  withConsent(noun.command('rollback <agent>'))
    .description('run no new task under the version that was tried, promoted or not')
    .action((agent: string, options: Consent) => change(agent, 'rollback', asked(options), options));
};
