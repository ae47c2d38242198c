/** The switch that stops agents: for a tenant, or for all. */
import { z } from 'zod';
import { FreshetError } from '../../schemas/errors.ts';
import type { GatewayContext } from '../gateway-context.ts';
import { line, ofChange, tenant } from '../http/fields.ts';
import type { Principal } from '../http/principal-of-request.ts';
import { route } from '../http/route.ts';
import { sendSignal } from '../send-signal.ts';
import { killSchema, killsOf } from '../views/kill-view.ts';

const ACTIONS = ['kill', 'revive'] as const;

export const killRoutes = (context: GatewayContext) => {
  const { models, settings } = context;

  /** A principal of one tenant stops agents for that tenant alone. Errors: `forbidden`. */
  const tenantFor = (principal: Principal, named: string | undefined): string | null => {
    if (principal.tenant === null) return named ?? null;
    if (named !== undefined && named !== principal.tenant)
      throw new FreshetError('forbidden', 'only agents at work for your own tenant');
    return principal.tenant;
  };

  const asked = (principal: Principal, why: string | undefined) => ({
    by: principal.name,
    reason: why ?? null,
    at: settings.clock(),
  });

  return [
    route({
      method: 'GET',
      path: '/v1/kills',
      tag: 'agents',
      summary: 'Where agents are stopped now, by whom and why',
      answers: [
        { status: 200, description: 'Kills that hold.', schema: z.object({ kills: z.array(killSchema) }) },
      ],
      errors: [],
      handle: async ({ principal }) => ({
        kills: killsOf(models.control, principal.tenant),
      }),
    }),
    route({
      method: 'POST',
      path: '/v1/agents/{agent}/{action}',
      tag: 'agents',
      summary: 'Stops an agent within a second, for one tenant or all, or lets it work again',
      params: z.strictObject({ agent: line(60), action: z.enum(ACTIONS) }),
      body: z.strictObject({ tenant: tenant.optional(), ...ofChange }).optional(),
      answers: [
        {
          status: 202,
          description: 'Asked for: running executions end at their next step, and none begins.',
          schema: z.object({
            agent: z.string(),
            tenant: z.string().nullable(),
            action: z.enum(ACTIONS),
            dryRun: z.boolean(),
          }),
        },
      ],
      errors: ['not-found', 'append-failed'],
      handle: async ({ params: { agent, action }, body, principal }) => {
        if (!settings.agents.some(({ name }) => name === agent))
          throw new FreshetError('not-found', `there is no agent ${agent}`);
        const of = tenantFor(principal, body?.tenant);
        const signal = { kind: action, agent, tenant: of, ...asked(principal, body?.reason) };
        const { dryRun = false } = body ?? {};
        if (!dryRun) await sendSignal(context, signal, `agent ${action}`, of);
        return { agent, tenant: of, action, dryRun };
      },
    }),
    route({
      method: 'POST',
      path: '/v1/tenants/{tenant}/{action}',
      tag: 'agents',
      summary: 'Stops every agent for a tenant within a second, or lets them work again',
      params: z.strictObject({ tenant, action: z.enum(ACTIONS) }),
      body: z.strictObject(ofChange).optional(),
      answers: [
        {
          status: 202,
          description: 'Asked for.',
          schema: z.object({ tenant: z.string(), action: z.enum(ACTIONS), dryRun: z.boolean() }),
        },
      ],
      errors: ['append-failed'],
      handle: async ({ params, body, principal }) => {
        const { action } = params;
        const of = tenantFor(principal, params.tenant) ?? params.tenant;
        const signal = { kind: action, agent: null, tenant: of, ...asked(principal, body?.reason) };
        const { dryRun = false } = body ?? {};
        if (!dryRun) await sendSignal(context, signal, `tenant ${action}`, of);
        return { tenant: of, action, dryRun };
      },
    }),
  ];
};
