/** Versions of agents: which there are, which of them is tried on a share of tasks, and the end of that by a person. */
import { z } from 'zod';
import { deployed, promoted, rolledBack } from '../../agents/behaviours/rollout-state.ts';
import { candidateOf } from '../../agents/replay/find-behaviour.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { FRESHET, type Rollout } from '../../schemas/rollout.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { GatewayContext } from '../gateway-context.ts';
import { line, ofChange } from '../http/fields.ts';
import { type Principal, requireOperator } from '../http/principal-of-request.ts';
import { route } from '../http/route.ts';
import { endAlertOf } from '../rollback-alert.ts';
import { sendSignal } from '../send-signal.ts';
import { behaviourSchema, rolloutSchema, rolloutShown, standingRollouts } from '../views/rollout-view.ts';

const params = z.strictObject({ agent: line(60) });
const answered = z.object({
  rollout: rolloutSchema,
  runs: z.string().describe('The version that the configuration runs.'),
  dryRun: z.boolean(),
});
/** What `placeOf` tells apart is finer by far; less is no trial. */
const MIN_SHARE = 0.001;
const READ_WITHIN_MS = 2_000;
/** What an agent runs, it runs for all tenants. */
const CHOSEN = 'versions are chosen';

const ENDS = [
  {
    verb: 'promote',
    becomes: promoted,
    summary: 'Every new task of an agent runs under the version that was tried',
  },
  {
    verb: 'rollback',
    becomes: rolledBack,
    summary: 'No new task of an agent runs under the version that was tried, promoted or not',
  },
] as const;

export const behaviourRoutes = (context: GatewayContext) => {
  const { models, settings, rollouts } = context;
  const { agents, config, clock } = settings;

  const runningOf = (agent: string): string => {
    const found = agents.find(({ name }) => name === agent);
    if (!found) throw new FreshetError('not-found', `there is no agent ${agent}`);
    return found.version;
  };

  /**
   * The last rollout of an agent, as all that stands on freshet.control now says it, another gateway's records too: without it a new
   * deployment would take the place of one that was not read yet. Errors: `unavailable`.
   */
  const lastOf = async (agent: string): Promise<Rollout | undefined> => {
    const topic = TOPICS.control.name;
    const ends = await settings.kafka.admin.offsets(topic);
    const wanted = new Map(ends.map(({ partition, latest }) => [partition, latest]));
    if (!(await context.reader.reached(topic, wanted, READ_WITHIN_MS)))
      throw new FreshetError('unavailable', `${topic} is not read to its end yet: try again in a moment`);
    return models.control.rolloutOf(agent)?.rollout;
  };

  const change = async (
    verb: string,
    rollout: Rollout,
    principal: Principal,
    { reason = null, dryRun = false }: { reason?: string | null | undefined; dryRun?: boolean } = {},
  ) => {
    const signal = { kind: 'behaviour', rollout, by: principal.name, reason, at: clock() } as const;
    if (!dryRun) await sendSignal(context, signal, `behaviour ${verb}`);
    return { rollout: rolloutShown(signal, rollouts.of(rollout)), runs: runningOf(rollout.agent), dryRun };
  };

  return [
    route({
      method: 'GET',
      path: '/v1/behaviours',
      tag: 'behaviours',
      summary:
        'The versions of each agent that the configuration holds, and those that are tried, with a verdict',
      answers: [
        {
          status: 200,
          description: 'Versions, and of each agent the rollout that holds.',
          schema: z.object({ behaviours: z.array(behaviourSchema), rollouts: z.array(rolloutSchema) }),
        },
      ],
      errors: [],
      handle: async ({ principal }) => ({
        behaviours: [
          ...agents.map(({ name, version }) => ({ agent: name, version, runs: true })),
          ...config.behaviours.map(({ name, version }) => ({ agent: name, version, runs: false })),
        ],
        rollouts: standingRollouts(models.control, agents).map((signal) =>
          // Outcomes are those of all tenants: no one tenant's to know (I9), and a verdict's reason tells them.
          principal.tenant === null
            ? rolloutShown(signal, rollouts.of(signal.rollout))
            : rolloutShown(signal.by === FRESHET ? { ...signal, reason: null } : signal, null),
        ),
      }),
    }),
    route({
      method: 'POST',
      path: '/v1/behaviours/{agent}/deploy',
      tag: 'behaviours',
      summary:
        'Runs a share of new tasks under another version; the same version again with another share goes on with its rollout',
      params,
      body: z.strictObject({
        version: line(60).describe('One that the configuration holds.'),
        share: z.number().min(MIN_SHARE).max(1).describe('Of new tasks; of a session all or none.'),
        ...ofChange,
      }),
      answers: [{ status: 202, description: 'Asked for: in force within a second.', schema: answered }],
      errors: ['not-found', 'conflict', 'append-failed', 'kafka-unavailable', 'unavailable'],
      handle: async ({ params: { agent }, body, principal }) => {
        requireOperator(principal, CHOSEN);
        const running = runningOf(agent);
        const { version: candidate, share } = body;
        candidateOf(agents, config.behaviours, agent, candidate);
        const last = await lastOf(agent);
        const rollout = deployed(last, { agent, running, candidate, share, now: clock() });
        const told = await change('deploy', rollout, principal, body);
        if (!body.dryRun) await endAlertOf(context, agent);
        return told;
      },
    }),
    ...ENDS.map(({ verb, becomes, summary }) =>
      route({
        method: 'POST',
        path: `/v1/behaviours/{agent}/${verb}`,
        tag: 'behaviours',
        summary: `${summary}; what has begun goes on as it began`,
        params,
        body: z.strictObject(ofChange).optional(),
        answers: [{ status: 202, description: 'Asked for: in force within a second.', schema: answered }],
        errors: ['not-found', 'conflict', 'append-failed', 'kafka-unavailable', 'unavailable'],
        handle: async ({ params: { agent }, body, principal }) => {
          requireOperator(principal, CHOSEN);
          const running = runningOf(agent);
          const rollout = becomes(await lastOf(agent), agent, running);
          // No worker would run it; what is rolled back need not be there.
          if (verb === 'promote') candidateOf(agents, config.behaviours, agent, rollout.candidate);
          return change(verb, rollout, principal, body);
        },
      }),
    ),
  ];
};
