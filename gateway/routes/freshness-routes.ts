/** How fresh the index is, now and as it changes. */
import { z } from 'zod';
import type { GatewayContext } from '../gateway-context.ts';
import { route } from '../http/route.ts';

const ms = z.number().nullable();
const counts = z.object({
  commits: z.number(),
  snapshot: z.number(),
  superseded: z.number(),
  floors: z.number(),
  untimed: z.number(),
  clamped: z.number(),
});
const figures = {
  counts,
  latencyMs: z
    .object({ p50: ms, p95: ms, p99: ms, 'p99.99': ms, max: ms })
    .describe('Commit in the source to searchable; null where nothing was committed.'),
  stages: z.array(z.object({ stage: z.string(), count: z.number(), p50: z.number(), p99: z.number() })),
};
const newest = z.object({ version: z.string(), committedAt: z.string(), ageMs: z.number() }).nullable();
const level = z.object({
  commits: z.number(),
  withinTarget: z.number(),
  share: z.number().nullable(),
  errorBudgetLeft: z.number().nullable(),
  burnRates: z.record(z.string(), z.number().nullable()),
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
      watermark: z.object({
        state: z.enum(['known', 'unknown']),
        position: z.string().nullable(),
        committedAt: z.number().nullable(),
      }),
      stalenessMs: ms,
      newestApplied: newest,
      slo: level,
      tables: z.array(z.object({ table: z.string(), ...figures, newestApplied: newest })),
    }),
  ),
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
    handle: async () => context.freshness(),
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
    handle: async (_, reply) => {
      const events = context.streams.open(reply);
      const send = (): void => events.send({ event: 'freshness', data: context.freshness() });
      send();
      const timer = setInterval(send, EVERY_MS);
      events.closed.addEventListener('abort', () => clearInterval(timer));
      return undefined;
    },
  }),
];
