/** What holds agents in hand, in one answer: for the page, and for whoever is on duty. */
import { z } from 'zod';
import type { GatewayContext } from '../gateway-context.ts';
import { line, tenant, wholeNumber } from '../http/fields.ts';
import { visibleTenant } from '../http/principal-of-request.ts';
import { route } from '../http/route.ts';
import { safetySchema } from '../views/safety-view.ts';

export const safetyRoutes = (context: GatewayContext) => [
  route({
    method: 'GET',
    path: '/v1/safety',
    tag: 'agents',
    summary:
      'What waits for a person, what was halted and refused and why, what is switched off, how breakers stand; of late',
    query: z.strictObject({
      tenant: tenant.optional(),
      agent: line(60).optional(),
      limit: wholeNumber(1, 500, 50),
    }),
    answers: [{ status: 200, description: 'Safety.', schema: safetySchema }],
    errors: [],
    handle: async ({ query, principal }) =>
      context.safety({
        tenant: visibleTenant(principal, query.tenant) ?? null,
        agent: query.agent,
        limit: query.limit,
      }),
  }),
];
