/** What could not be processed and what a gate refused, and what was spent. */
import { z } from 'zod';
import type { GatewayContext } from '../gateway-context.ts';
import { tenant, wholeNumber } from '../http/fields.ts';
import { visibleTenant } from '../http/principal-of-request.ts';
import { route } from '../http/route.ts';
import { COST_GROUPS } from '../read-models/cost-ledger.ts';
import { isoTime } from '../views/times.ts';

const limit = z.strictObject({ limit: wholeNumber(1, 1_000, 100) });
const groups = z.array(z.object({ name: z.string(), count: z.number() }));
const place = z.object({ topic: z.string(), partition: z.number(), offset: z.number() });

const deadLetters = z.object({
  held: z.number().describe('How many the counts are of: the last 1,000.'),
  groups: groups.describe('By reason.'),
  items: z.array(
    z.object({
      origin: place,
      stage: z.string(),
      reason: z.string(),
      message: z.string(),
      key: z.string().nullable(),
      valueBytes: z.number(),
      at: z.string().nullable(),
    }),
  ),
});

const quarantine = z.object({
  held: z.number(),
  groups: groups.describe('By gate and reason.'),
  items: z.array(
    z.object({
      documentId: z.string(),
      source: z.string(),
      table: z.string(),
      tenant: z.string().nullable(),
      version: z.string(),
      gate: z.string(),
      reason: z.string(),
      detail: z.string(),
      change: place,
      at: z.string().nullable(),
    }),
  ),
});

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

export const refusalRoutes = ({ models }: GatewayContext) => [
  route({
    method: 'GET',
    path: '/v1/dead-letters',
    tag: 'refusals',
    summary: 'Records that could not be processed, newest first, counted by reason',
    query: limit,
    answers: [{ status: 200, description: 'Dead letters.', schema: deadLetters }],
    errors: [],
    handle: async ({ query }) => {
      const { items, ...rest } = models.deadLetters.list(query.limit);
      return { ...rest, items: items.map((letter) => ({ ...letter, at: isoTime(letter.at) })) };
    },
  }),
  route({
    method: 'GET',
    path: '/v1/quarantine',
    tag: 'refusals',
    summary: 'Documents that a gate refused, newest first, counted by gate and reason',
    query: limit,
    answers: [{ status: 200, description: 'Quarantined documents.', schema: quarantine }],
    errors: [],
    handle: async ({ query }) => {
      const { items, ...rest } = models.quarantine.list(query.limit);
      return { ...rest, items: items.map((each) => ({ ...each, at: isoTime(each.at) })) };
    },
  }),
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
