/** Documents that a gate refused: looked at with the span that failed, and decided about, one or many. */
import { z } from 'zod';
import { FreshetError } from '../../schemas/errors.ts';
import type { Quarantined } from '../../schemas/records.ts';
import { RELEASE_ACTIONS } from '../../schemas/release-decision.ts';
import type { GatewayContext } from '../gateway-context.ts';
import { documentId, line, ofChange, tenant, wholeNumber } from '../http/fields.ts';
import { visibleTenant } from '../http/principal-of-request.ts';
import { route } from '../http/route.ts';
import { leftBecause, readKeptChanges } from '../left-because.ts';
import { matchesQuarantine } from '../read-models/quarantine-list.ts';
import { sendDecisions } from '../send-decisions.ts';
import { isoTime } from '../views/times.ts';

const MOST_DECIDED = 1_000;
const filter = {
  gate: line(40).optional(),
  reason: line(80).optional(),
  source: line(41).optional(),
  table: line(200).optional(),
  tenant: tenant.optional(),
};

const place = z.strictObject({ from: z.int().min(0), before: z.int().min(0) });

const item = z.object({
  documentId: z.string(),
  source: z.string(),
  table: z.string(),
  tenant: z.string().nullable(),
  version: z.string(),
  gate: z.string(),
  reason: z.string(),
  detail: z.string(),
  change: z.object({ topic: z.string(), partition: z.number(), offset: z.number() }),
  contentHash: z.string(),
  finding: z
    .object({
      field: z.string(),
      start: z.number(),
      end: z.number(),
      excerpt: z.string().describe('Around the span, secrets and personal data taken out.'),
      excerptStart: z.number(),
      excerptEnd: z.number(),
    })
    .nullable(),
  keptVersion: z.string().nullable().describe('Of the good document that stays searchable, marked stale.'),
  at: z.string().nullable(),
});
const shown = ({ outcome: _, partition: __, ...each }: Quarantined) => ({ ...each, at: isoTime(each.at) });

export const quarantineRoutes = ({ models, settings, findQuarantined }: GatewayContext) => {
  /** As the list holds them, or else the log. */
  const named = async (ids: readonly string[]): Promise<readonly (Quarantined | string)[]> => {
    const missing = new Set(ids.filter((id) => !models.quarantine.get(id)));
    const all = missing.size === 0 || models.quarantine.standing() === models.quarantine.all().length;
    const older = all
      ? []
      : (await findQuarantined((each) => missing.has(each.documentId), ids.length)).items;
    const found = new Map(older.map((each) => [each.documentId, each]));
    return ids.map((id) => models.quarantine.get(id) ?? found.get(id) ?? id);
  };
  return [
    route({
      method: 'GET',
      path: '/v1/quarantine',
      tag: 'refusals',
      summary: 'Documents that a gate refused, newest first, counted by gate and reason',
      query: z.strictObject({ limit: wholeNumber(1, 1_000, 100), ...filter }),
      answers: [
        {
          ...{ status: 200, description: 'Quarantined documents.' },
          schema: z.object({
            held: z.number().describe('All that match; the newest 10,000 are held.'),
            beyond: z
              .number()
              .describe(
                'Older ones that stand and are not listed, whatever the filter: a decision by filter reaches them.',
              ),
            groups: z
              .array(z.object({ name: z.string(), count: z.number() }))
              .describe('By gate and reason.'),
            items: z.array(item),
          }),
        },
      ],
      errors: [],
      handle: async ({ query: { limit, ...asked }, principal }) => {
        const visible = { ...asked, tenant: visibleTenant(principal, asked.tenant) };
        const { items, ...rest } = models.quarantine.list(limit, visible);
        return { ...rest, items: items.map(shown) };
      },
    }),
    route({
      method: 'GET',
      path: '/v1/quarantine/document',
      tag: 'refusals',
      summary: 'One document in quarantine, with the span that failed',
      query: z.strictObject({ id: documentId }),
      answers: [{ status: 200, description: 'The refusal.', schema: item }],
      errors: ['not-found', 'kafka-unavailable', 'too-many-requests'],
      handle: async ({ query, principal }) => {
        const [found] = await named([query.id]);
        const visible = visibleTenant(principal, undefined);
        if (!found || typeof found === 'string' || (visible !== undefined && found.tenant !== visible))
          throw new FreshetError('not-found', `${query.id} is not in quarantine`);
        return shown(found);
      },
    }),
    route({
      method: 'POST',
      path: '/v1/quarantine/decisions',
      tag: 'refusals',
      summary:
        'Release, redrive or drop what stands in quarantine: named documents, or all that match a filter',
      body: z
        .strictObject({
          action: z.enum(RELEASE_ACTIONS),
          documentIds: z.array(documentId).min(1).max(MOST_DECIDED).optional(),
          filter: z.strictObject(filter).optional(),
          next: place.optional().describe('With a filter: as the last answer gave it, to go on from there.'),
          ...ofChange,
        })
        .refine(
          ({ documentIds, filter: by }) => (documentIds === undefined) !== (by === undefined),
          'give documentIds or filter',
        ),
      answers: [
        {
          ...{ status: 200, description: 'What was decided, or would be.' },
          schema: z.object({
            action: z.enum(RELEASE_ACTIONS),
            dryRun: z.boolean(),
            decided: z.array(z.string()),
            left: z
              .array(z.object({ documentId: z.string(), why: z.string() }))
              .describe('Not decided about, and why.'),
            more: z.number().describe('Matches beyond the 1,000 of one request.'),
            next: place.nullable().describe('With it the next request goes on; null: all were reached.'),
          }),
        },
      ],
      errors: ['append-failed', 'kafka-unavailable', 'too-many-requests'],
      handle: async ({ body, principal }) => {
        const { action, dryRun, documentIds, reason = null } = body;
        const visible = visibleTenant(principal, body.filter?.tenant);
        const by = { ...body.filter, tenant: visible };
        // By filter from the log, oldest first: all that stand are reached, and what is refused again meanwhile is not met again.
        const { items, more, next } = documentIds
          ? { items: await named(documentIds), more: 0, next: null }
          : await findQuarantined((each) => matchesQuarantine(by, each), MOST_DECIDED, body.next);
        const isKept = await readKeptChanges(
          settings.kafka,
          items.flatMap((each) => (typeof each === 'string' ? [] : [each.change.topic])),
        );
        const left: { documentId: string; why: string }[] = [];
        const found: Quarantined[] = [];
        for (const each of items) {
          const why = leftBecause(each, action, principal.tenant, isKept);
          if (why !== null) left.push({ documentId: typeof each === 'string' ? each : each.documentId, why });
          else if (typeof each !== 'string') found.push(each);
        }
        const decided = found.map((each) => each.documentId);
        if (dryRun || found.length === 0) return { action, dryRun, decided, left, more, next };
        const decisions = found.map((each) => ({ ...each, action }));
        await sendDecisions(settings, decisions, {
          ...{ action: `quarantine ${action}`, by: principal.name, reason },
          tenant: found.every(({ tenant: each }) => each === found[0]?.tenant)
            ? (found[0]?.tenant ?? null)
            : null,
        });
        return { action, dryRun, decided, left, more, next };
      },
    }),
  ];
};
