/** What was spent. */
import { z } from 'zod';
import type { GatewayContext } from '../gateway-context.ts';
import { tenant } from '../http/fields.ts';
import { visibleTenant } from '../http/principal-of-request.ts';
import { route } from '../http/route.ts';
import { COST_GROUPS } from '../read-models/cost-ledger.ts';
import { isoTime } from '../views/times.ts';

const costs = z.object({
  by: z.enum(COST_GROUPS),
  since: z.string().nullable().describe('The oldest cost that is counted.'),
  groups: z.array(
    z.object({
      name: z.string().nullable(),
      usd: z.string(),
      calls: z.number(),
      executions: z.number(),
      inputTokens: z.number(),
      outputTokens: z.number(),
      unsettled: z.number(),
    }),
  ),
});

export const costRoutes = ({ models }: GatewayContext) => [
  route({
    method: 'GET',
    path: '/v1/costs',
    tag: 'costs',
    summary: 'What was spent of late, the most first',
    query: z.strictObject({ by: z.enum(COST_GROUPS).default('agent'), tenant: tenant.optional() }),
    answers: [{ status: 200, description: 'Costs.', schema: costs }],
    errors: [],
    handle: async ({ query, principal }) => {
      const { since, groups: totals } = models.costs.total(query.by, visibleTenant(principal, query.tenant));
      return { by: query.by, since: since === null ? null : isoTime(since), groups: totals };
    },
  }),
];
