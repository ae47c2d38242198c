/** What was spent, by whom, and why. */
import { z } from 'zod';
import type { GatewayContext } from '../gateway-context.ts';
import { tenant } from '../http/fields.ts';
import { visibleTenant } from '../http/principal-of-request.ts';
import { route } from '../http/route.ts';
import { since, sinceMicros } from '../http/since.ts';
import { COST_GROUPS, costReport } from '../read-models/cost-report.ts';
import { isoTime } from '../views/times.ts';

const total = z.object({
  name: z.string().nullable(),
  usd: z.string(),
  calls: z.number(),
  executions: z.number(),
  inputTokens: z.number(),
  outputTokens: z.number(),
  cachedInputTokens: z.number(),
  failed: z.number(),
  unsettled: z.number().describe('Counted at their reservation, as their outcome was lost.'),
});

export const costsSchema = z.object({
  by: z.enum(COST_GROUPS),
  since: z.string().nullable().describe('The oldest cost that is counted.'),
  complete: z
    .boolean()
    .describe('False: more was spent in this time than is kept here; the oldest is not counted.'),
  usd: z.string(),
  groups: z.array(total),
  agents: z.array(
    z.object({
      name: z.string(),
      usd: z.string(),
      executions: z.number(),
      perExecution: z.object({ mean: z.string(), p50: z.string(), p95: z.string(), max: z.string() }),
      distribution: z.array(z.object({ upToUsd: z.string(), executions: z.number() })),
      why: z.object({
        callsPerExecution: z.number(),
        inputTokensPerCall: z.number(),
        outputTokensPerCall: z.number(),
        cachedShare: z.number(),
        failedCalls: z.number(),
        lostCalls: z.number(),
        wastedUsd: z.string(),
        byStep: z.array(total),
        byModel: z.array(total),
      }),
    }),
  ),
  comparison: z.array(z.string()).describe('Each agent against the cheapest: how much more, and why.'),
});

export const costRoutes = ({ models, settings }: GatewayContext) => [
  route({
    method: 'GET',
    path: '/v1/costs',
    tag: 'costs',
    summary: 'What was spent of late, the most first; per agent what an execution costs, and why',
    query: z.strictObject({
      by: z.enum(COST_GROUPS).default('agent'),
      since: since.optional(),
      tenant: tenant.optional(),
    }),
    answers: [{ status: 200, description: 'Costs.', schema: costsSchema }],
    errors: [],
    handle: async ({ query, principal }) => {
      const of = visibleTenant(principal, query.tenant);
      const costs = models.costs.of({
        ...(of === undefined ? {} : { tenant: of }),
        ...(query.since === undefined ? {} : { since: sinceMicros(query.since, settings.clock()) }),
      });
      const report = costReport(costs, query.by);
      const reached = report.since === null ? null : isoTime(report.since);
      return { by: query.by, ...report, since: reached, complete: !models.costs.isFull() };
    },
  }),
];
