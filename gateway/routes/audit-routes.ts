/** Who changed what, and why, as it was written down before it was done. */
import { z } from 'zod';
import type { GatewayContext } from '../gateway-context.ts';
import { line, ofTenant, time, wholeNumber } from '../http/fields.ts';
import { visibleTenant } from '../http/principal-of-request.ts';
import { route } from '../http/route.ts';
import { since, sinceMicros } from '../http/since.ts';
import type { AuditEntry } from '../read-models/audit-list.ts';
import { isoTime } from '../views/times.ts';

const TARGETS_SHOWN = 20;

const entry = z.object({
  at: time,
  by: z.string().describe('The principal; freshet: by itself.'),
  action: z.string(),
  targets: z.array(z.string()).describe(`Of what it was done to, the first ${TARGETS_SHOWN}.`),
  count: z.number().describe('Of all targets.'),
  reason: z.string().nullable(),
  tenant: z.string().nullable().describe("Whose it is that was changed; null: no one tenant's."),
  position: z.string().describe('topic:partition:offset of the record.'),
});

export const auditSchema = z.object({
  held: z.number().describe('All that match, of the last 1,000 records.'),
  items: z.array(entry),
});

export type AuditView = z.output<typeof auditSchema>;

const entryOf = ({ at, targets, ...rest }: AuditEntry): z.output<typeof entry> => ({
  ...rest,
  at: isoTime(at),
  targets: targets.slice(0, TARGETS_SHOWN),
});

export const auditRoutes = ({ models, settings }: GatewayContext) => [
  route({
    method: 'GET',
    path: '/v1/audit',
    tag: 'status',
    summary: 'Who changed what, and why, the newest first; of a tenant, what was changed of its own',
    query: z.strictObject({
      since: since.optional(),
      action: line(80).optional().describe('Noun and verb, such as `task cancel`, or the noun alone.'),
      target: line(2_000).optional().describe('Whole, as it is listed.'),
      tenant: ofTenant.tenant,
      limit: wholeNumber(1, 1_000, 100),
    }),
    answers: [{ status: 200, description: 'Records of freshet.audit.', schema: auditSchema }],
    errors: [],
    handle: async ({ query, principal }) => {
      const { limit, action, target } = query;
      const { held, items } = models.audit.list(limit, {
        ...{ action, target, tenant: visibleTenant(principal, query.tenant) },
        since: query.since === undefined ? undefined : sinceMicros(query.since, settings.clock()),
      });
      return { held, items: items.map(entryOf) };
    },
  }),
];
