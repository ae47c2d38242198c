/** How fresh the index is, now and as it changes. */
import { z } from 'zod';
import type { GatewayContext } from '../gateway-context.ts';
import { visibleTenant } from '../http/principal-of-request.ts';
import { route } from '../http/route.ts';
import { freshnessFor } from '../views/freshness-for.ts';
import { sourceWatermarkSchema, watermarkSchema } from '../views/watermark-view.ts';

const ms = z.number().nullable();
const counts = z.object({
  commits: z.number(),
  snapshot: z.number(),
  superseded: z.number(),
  floors: z.number(),
  untimed: z.number(),
  clamped: z.number(),
});
const latency = z.object({ p50: ms, p95: ms, p99: ms, 'p99.99': ms, max: ms });
const figures = {
  counts,
  latencyMs: latency.describe('Commit in the source to searchable; null where nothing was committed.'),
  stages: z.array(z.object({ stage: z.string(), count: z.number(), p50: z.number(), p99: z.number() })),
  slowestStage: z.string().nullable().describe('Where most of the median change goes.'),
};
const newest = z.object({ version: z.string(), committedAt: z.string(), ageMs: z.number() }).nullable();
const level = z.object({
  commits: z.number(),
  withinTarget: z.number(),
  share: z.number().nullable(),
  errorBudgetLeft: z.number().nullable(),
  burnRates: z.record(z.string(), z.number().nullable()),
  late: z.record(z.string(), z.number()).describe('Commits that missed the target, by span.'),
});

export const freshnessSchema = z.object({
  at: z.string(),
  windowMs: z.number(),
  ...figures,
  slo: level.extend({ targetMs: z.number(), objective: z.number() }),
  sources: z.array(
    z.object({
      source: z.string(),
      ...figures,
      watermark: sourceWatermarkSchema,
      stalenessMs: ms,
      clock: z
        .object({ offsetMs: z.number(), errorMs: z.number() })
        .nullable()
        .describe("The source's clock less ours."),
      probe: z
        .object({
          at: z.string(),
          found: z.number(),
          missed: z.number(),
          lastMs: ms,
          latencyMs: latency,
          slo: level,
        })
        .nullable()
        .describe('Probe rows, written each second and looked for as a user would.'),
      newestApplied: newest,
      slo: level,
      tables: z.array(
        z.object({
          table: z.string(),
          ...figures,
          newestApplied: newest,
          watermark: watermarkSchema,
          stalenessMs: ms,
        }),
      ),
    }),
  ),
  alerts: z
    .array(
      z.object({
        source: z.string(),
        kind: z.string(),
        severity: z.string(),
        since: z.string(),
        summary: z.string(),
      }),
    )
    .describe('Those that fire now.'),
  series: z.array(z.object({ at: z.string(), count: z.number(), p50: ms, p99: ms, max: ms })),
});

const EVERY_MS = 1_000;

export const freshnessRoutes = (context: GatewayContext) => [
  route({
    method: 'GET',
    path: '/v1/freshness',
    tag: 'freshness',
    summary: 'Percentiles of commit to searchable by source and table, stages, objective, burn rates',
    answers: [{ status: 200, description: 'Of the last five minutes.', schema: freshnessSchema }],
    errors: [],
    handle: async ({ principal }) => freshnessFor(context.freshness(), visibleTenant(principal, undefined)),
  }),
  route({
    method: 'GET',
    path: '/v1/freshness/stream',
    tag: 'freshness',
    summary: 'The same as server-sent events named `freshness`, one a second',
    answers: [
      { status: 200, description: 'A report.', contentType: 'text/event-stream', schema: freshnessSchema },
    ],
    errors: ['too-many-requests'],
    handle: async ({ principal }, reply) => {
      const events = context.streams.open(reply);
      const of = visibleTenant(principal, undefined);
      events.every(EVERY_MS, () =>
        events.send({ event: 'freshness', data: freshnessFor(context.freshness(), of) }),
      );
      return undefined;
    },
  }),
];
