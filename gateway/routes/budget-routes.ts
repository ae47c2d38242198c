/** Money of a day, per agent and per tenant: what may be spent, what is, and what an operator sets. */
import { z } from 'zod';
import { FreshetError } from '../../schemas/errors.ts';
import type { GatewayContext } from '../gateway-context.ts';
import { line, ofChange, tenant, usd } from '../http/fields.ts';
import { requireOperator } from '../http/principal-of-request.ts';
import { route } from '../http/route.ts';
import { reportBudgets } from '../report-budgets.ts';
import { sendSignal } from '../send-signal.ts';
import { budgetsSchema } from '../views/budget-view.ts';

export const budgetRoutes = (context: GatewayContext) => {
  const { settings } = context;

  return [
    route({
      method: 'GET',
      path: '/v1/budgets',
      tag: 'costs',
      summary: 'Budgets of the UTC day: limit, spent, left, and who set them',
      answers: [
        {
          status: 200,
          description: 'Budgets. An agent may hold its tenants to less; that stands in its definition.',
          schema: budgetsSchema,
        },
      ],
      errors: [],
      handle: async ({ principal }) => {
        const shown = await reportBudgets(
          context,
          (name) => principal.tenant === null || name === principal.tenant,
        );
        // What an agent spends, it spends for all tenants: no one tenant's to know (I9).
        return principal.tenant === null
          ? shown
          : { ...shown, budgets: shown.budgets.filter(({ of }) => of === 'tenant') };
      },
    }),
    route({
      method: 'PUT',
      path: '/v1/budgets',
      tag: 'costs',
      summary: 'Sets what an agent or a tenant may spend in a UTC day',
      body: z
        .strictObject({
          agent: line(60).optional(),
          tenant: tenant.optional(),
          usdPerDay: usd.nullable().describe('Null: what the agent’s definition says, or no limit.'),
          ...ofChange,
        })
        .refine(
          ({ agent, tenant: of }) => (agent === undefined) !== (of === undefined),
          'give agent or tenant',
        ),
      answers: [
        {
          status: 202,
          description: 'Asked for: in force within a second.',
          schema: z.object({
            of: z.enum(['agent', 'tenant']),
            name: z.string(),
            usdPerDay: z.string().nullable(),
            dryRun: z.boolean(),
          }),
        },
      ],
      errors: ['not-found', 'append-failed'],
      handle: async ({ body, principal }) => {
        requireOperator(principal, 'budgets are set');
        const of = body.agent === undefined ? 'tenant' : 'agent';
        const name = body.agent ?? body.tenant ?? '';
        if (of === 'agent' && !settings.agents.some((agent) => agent.name === name))
          throw new FreshetError('not-found', `there is no agent ${name}`);
        const { usdPerDay, reason = null, dryRun } = body;
        const at = settings.clock();
        const signal = { kind: 'budget', of, name, usdPerDay, by: principal.name, reason, at } as const;
        if (!dryRun) await sendSignal(context, signal, 'budget set', of === 'tenant' ? name : null);
        return { of, name, usdPerDay, dryRun };
      },
    }),
  ];
};
