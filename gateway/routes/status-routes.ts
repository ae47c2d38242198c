/** How the whole stands, the live feed of the page, and the rebuild of the index. */
import { z } from 'zod';
import { TOPICS } from '../../schemas/topics.ts';
import { auditRecord } from '../audit-record.ts';
import type { GatewayContext } from '../gateway-context.ts';
import { ofChange, tenant } from '../http/fields.ts';
import { answerInLines } from '../http/line-stream.ts';
import { isShownTo, requireOperator, visibleTenant } from '../http/principal-of-request.ts';
import { route } from '../http/route.ts';
import { deadLetterKindSchema } from '../views/dead-letter-kinds.ts';
import { executionSummaryOf } from '../views/execution-view.ts';
import { freshnessFor } from '../views/freshness-for.ts';
import { comparisonSchema } from '../views/role-comparisons.ts';

const STATUS_EVERY_MS = 3_000;
const FRESHNESS_EVERY_MS = 1_000;
/** Changes of executions are sent together, each execution once. */
const EXECUTIONS_EVERY_MS = 250;
/** Only where it has changed. */
const SAFETY_EVERY_MS = 1_000;
const SAFETY_SHOWN = 50;
const FIRST_EXECUTIONS = 50;
/** Of several replicas nobody knows beforehand which. */
const REBUILT = `the index of ${TOPICS.documents.name}`;

const statusSchema = z.object({
  at: z.string(),
  ready: z.boolean(),
  waitingFor: z.string().nullable(),
  topics: z.array(
    z.object({
      topic: z.string(),
      partitions: z.number(),
      records: z.number(),
      ends: z.record(z.string(), z.number()),
    }),
  ),
  lags: z.array(z.object({ group: z.string(), topic: z.string(), lag: z.number().nullable() })),
  backlog: z
    .array(
      z.object({
        stage: z.string(),
        seconds: z.number().nullable().describe('Age of the oldest record that waits; null: not known.'),
        records: z.number().nullable(),
        silent: z
          .array(z.string())
          .describe('Processes of the stage that do not answer: what waits for them is not known.'),
      }),
    )
    .describe('In the order of the flow.'),
  connectors: z.array(z.object({ source: z.string(), state: z.string(), reason: z.string().optional() })),
  sources: z.array(
    z.object({
      source: z.string(),
      state: z.string(),
      reason: z.string().nullable(),
      epoch: z.number(),
      retainedWalBytes: z.number().nullable(),
      tables: z.array(z.object({ table: z.string(), state: z.string(), reason: z.string().nullable() })),
    }),
  ),
  agents: z.array(z.object({ name: z.string(), version: z.string() })),
  localTenant: z.string(),
  index: z.unknown(),
  records: z.array(z.object({ stage: z.string(), outcome: z.string(), count: z.number() })),
  gateRefusals: z
    .array(z.object({ gate: z.string(), count: z.number() }))
    .nullable()
    .describe('Since each process of the pipeline role started; null: one does not answer.'),
  comparisons: z
    .array(comparisonSchema)
    .describe('Of the index with its sources, in the background, since the pipeline role started.'),
  deadLetters: z.number(),
  deadLetterKinds: z.array(deadLetterKindSchema),
  quarantined: z.number(),
  quarantineChangedAt: z.string().nullable(),
  troubles: z.array(z.object({ part: z.string(), code: z.string(), detail: z.string() })),
});

const progress = z.object({
  done: z.boolean(),
  records: z.number(),
  of: z.number(),
  dryRun: z.boolean().optional(),
  report: z.unknown().optional(),
});

export const statusRoutes = (context: GatewayContext) => [
  route({
    method: 'GET',
    path: '/v1/status',
    tag: 'status',
    summary: 'Ends of topics, lag of groups, connectors, index; each part that cannot be reached is named',
    answers: [{ status: 200, description: 'The status.', schema: statusSchema }],
    errors: [],
    handle: async () => context.status(),
  }),
  route({
    method: 'GET',
    path: '/v1/stream',
    tag: 'status',
    summary:
      'Server-sent events for a page: `freshness` each second, `executions` and `safety` as they change, `status` every three seconds',
    answers: [{ status: 200, description: 'Events.', contentType: 'text/event-stream', schema: z.unknown() }],
    query: z.strictObject({ tenant: tenant.optional() }),
    errors: ['too-many-requests'],
    handle: async (request, reply) => {
      const { models, settings } = context;
      const events = context.streams.open(reply);
      const of = visibleTenant(request.principal, request.query.tenant);
      const changed = new Set<string>();
      const sendExecutions = (): void => {
        if (changed.size === 0) return;
        const entries = [...changed]
          .flatMap((id) => models.executions.execution(id) ?? [])
          .filter((entry) => isShownTo(request, entry.tenant, settings.config.localTenant));
        changed.clear();
        if (entries.length > 0) events.send({ event: 'executions', data: entries.map(executionSummaryOf) });
      };
      const sendFreshness = (): void =>
        events.send({ event: 'freshness', data: freshnessFor(context.freshness(), of) });
      const sendStatus = async (): Promise<void> =>
        events.send({ event: 'status', data: await context.status() });
      events.send({
        event: 'executions',
        data: models.executions
          .list({ ...(of === undefined ? {} : { tenant: of }), limit: FIRST_EXECUTIONS })
          .map(executionSummaryOf),
      });
      let said = '';
      const sendSafety = async (): Promise<void> => {
        const { at, ...safety } = await context.safety({ tenant: of ?? null, limit: SAFETY_SHOWN });
        const text = JSON.stringify(safety);
        if (text === said) return;
        said = text;
        events.send({ event: 'safety', data: { at, ...safety } });
      };
      const stop = models.executions.onChange((entry) => changed.add(entry.executionId));
      events.closed.addEventListener('abort', stop);
      events.every(FRESHNESS_EVERY_MS, sendFreshness);
      events.every(STATUS_EVERY_MS, sendStatus);
      events.every(SAFETY_EVERY_MS, sendSafety);
      events.every(EXECUTIONS_EVERY_MS, sendExecutions);
      return undefined;
    },
  }),
  route({
    method: 'POST',
    path: '/v1/index/rebuild',
    tag: 'status',
    summary:
      'Builds the index anew from freshet.documents beside the one that serves, compares, and swaps; progress as NDJSON. Audited',
    body: z.strictObject(ofChange).optional(),
    answers: [
      {
        status: 200,
        description:
          'Progress; the last line carries the report, or a problem. With dryRun one line alone: how many records the index holds the newest of.',
        contentType: 'application/x-ndjson',
        schema: progress,
      },
    ],
    errors: ['forbidden', 'conflict', 'index-unavailable', 'append-failed'],
    handle: async ({ body, principal }, reply) => {
      requireOperator(principal, 'the index is built anew');
      const { index, writer, codec, clock } = context.settings;
      const { reason = null, dryRun = false } = body ?? {};
      if (dryRun) {
        const { documents, markers } = await index.status();
        return answerInLines(reply, async ({ line }) => {
          await line({ done: true, dryRun, records: 0, of: documents + markers });
        });
      }
      const audit = { at: clock(), by: principal.name, action: 'index rebuild', reason };
      await writer.append([auditRecord(codec, { ...audit, targets: [REBUILT] })]);
      return answerInLines(reply, async ({ line }) => {
        for await (const each of index.rebuild()) await line(each);
      });
    },
  }),
];
