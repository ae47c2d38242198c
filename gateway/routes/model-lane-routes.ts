/** A change of embedding model while everything goes on: which model answers, and what moves that on (docs/embedding-models.md). */
import { z } from 'zod';
import { answeringOf, MOST_ROWS_COMPARED } from '../../connectors/index-service/lane-service.ts';
import { judgeCutover } from '../../pipelines/apply-index/judge-cutover.ts';
import { readLanes } from '../../pipelines/read-lanes.ts';
import { LOCAL_EMBEDDING_MODELS } from '../../schemas/config.ts';
import { FreshetError } from '../../schemas/errors.ts';
import {
  DEFAULT_BACKFILL_PER_SECOND,
  type LaneCommand,
  moveLanes,
  type StandingLanes,
} from '../../schemas/model-lanes.ts';
import type { GatewayContext } from '../gateway-context.ts';
import { line, ofChange } from '../http/fields.ts';
import { type Principal, requireOperator } from '../http/principal-of-request.ts';
import { route } from '../http/route.ts';
import { sendLaneCommand } from '../send-lane-command.ts';

const QUERIES = 100;

const wanted = z.object({
  base: z.string().describe('Of the configuration.'),
  serving: z.string(),
  candidate: z.string().nullable().describe('Is being filled, or filled and ready to be cut over to.'),
  previous: z.string().nullable().describe('Served before, and can be reverted to.'),
  backfillPerSecond: z.number(),
  reachesBackTo: z
    .number()
    .describe('Milliseconds since the Unix epoch: searches of the past reach back no further.'),
});

const status = z.object({
  wanted,
  answering: z.string().describe('Becomes `wanted.serving` once that one covers as much.'),
  lanes: z.array(
    z.object({
      model: z.string(),
      modelId: z.string(),
      documents: z.number(),
      rows: z.number(),
      behind: z.number().describe('Records of freshet.documents that it does not cover yet.'),
    }),
  ),
});

const measure = z.object({
  model: z.string(),
  queries: z.number(),
  found: z.number().describe('Share of the titles that found their document among the first ten.'),
  p50Ms: z.number(),
  p95Ms: z.number(),
  recall: z
    .number()
    .nullable()
    .describe(
      `Share of the nearest rows that its index finds; null: not measured, as there are more than ${MOST_ROWS_COMPARED} rows or nothing to ask for.`,
    ),
});

const comparison = z.object({
  serving: measure,
  candidate: measure,
  overlap: z.number(),
  behind: z.number(),
});

const moved = z.object({ wanted, dryRun: z.boolean() });
/** What the index answers with, it answers all tenants with. */
const CHANGED = 'the embedding model is changed';
const LATER = 'Asked for: GET /v1/index/lanes shows how far it is.';

const MOVES = [
  { action: 'revert', summary: 'Lets the model answer again that did before the cut-over' },
  {
    action: 'finish',
    summary: 'Gives up the model that was cut over from: it cannot be reverted to any more',
  },
  { action: 'abandon', summary: 'Gives up the model that is being filled' },
] as const;

export const modelLaneRoutes = ({ settings }: GatewayContext) => {
  const { config, clock } = settings;

  const service = () => {
    if (!settings.lanes)
      throw new FreshetError('index-unavailable', 'this gateway knows of no index with lanes');
    return settings.lanes;
  };

  /** From the log itself: an index may not have heard of the last command yet. */
  const standing = async (): Promise<StandingLanes> => {
    service();
    return (await readLanes(settings.kafka, settings.codec, config.embedding.model)).standing;
  };

  /** After what stands was read: who answers with the new model by now goes back by a later command alone. */
  const finishing = async (): Promise<LaneCommand> => ({
    ...{ action: 'finish', at: Math.round(clock() / 1_000) },
    answering: answeringOf(await service().lanes()),
  });

  const move = async (
    before: StandingLanes,
    command: LaneCommand,
    principal: Principal,
    { reason = null, dryRun = false }: { reason?: string | null | undefined; dryRun?: boolean } = {},
  ) => {
    const next = moveLanes(before.lanes, command);
    const asked = { at: clock(), by: principal.name, reason };
    if (!dryRun) await sendLaneCommand(settings, { ...asked, before, next, action: command.action });
    return { wanted: next, dryRun };
  };

  return [
    route({
      method: 'GET',
      path: '/v1/index/lanes',
      tag: 'status',
      summary: 'Which embedding model answers, which is being filled, and how far it is',
      answers: [{ status: 200, description: 'Of the replica that is furthest behind.', schema: status }],
      errors: ['not-found', 'index-unavailable'],
      handle: async () => service().lanes(),
    }),
    route({
      method: 'POST',
      path: '/v1/index/reembed',
      tag: 'status',
      summary: 'Embeds all documents with another model, beside the one that serves',
      body: z.strictObject({
        model: line(200).describe('Of embedding.models, or a local one.'),
        backfillPerSecond: z
          .number()
          .positive()
          .max(1_000_000)
          .default(DEFAULT_BACKFILL_PER_SECOND)
          .describe('Documents embedded again a second, at most.'),
        ...ofChange,
      }),
      answers: [{ status: 202, description: LATER, schema: moved }],
      errors: ['forbidden', 'not-found', 'conflict', 'index-unavailable', 'append-failed'],
      handle: async ({ body, principal }) => {
        requireOperator(principal, CHANGED);
        const { model, backfillPerSecond } = body;
        if (
          !Object.hasOwn(config.embedding.models, model) &&
          !LOCAL_EMBEDDING_MODELS.some((each) => each === model)
        )
          throw new FreshetError(
            'not-found',
            `no embedding model is called ${model}; add it to embedding.models`,
          );
        return move(await standing(), { action: 'reembed', model, backfillPerSecond }, principal, body);
      },
    }),
    route({
      method: 'POST',
      path: '/v1/index/cutover',
      tag: 'status',
      summary: 'Measures the model that was filled against the one that serves, and lets it answer',
      body: z
        .strictObject({
          queries: z.int().min(1).max(1_000).default(QUERIES).describe('Titles to ask for.'),
          force: z.boolean().default(false).describe('Whatever was measured.'),
          ...ofChange,
        })
        .optional(),
      answers: [
        {
          ...{ status: 202, description: LATER },
          schema: moved.extend({
            comparison,
            against: z
              .array(z.string())
              .describe('What was measured against it: a conflict, unless it is a dry run or forced.'),
          }),
        },
      ],
      errors: ['forbidden', 'not-found', 'conflict', 'index-unavailable', 'append-failed'],
      handle: async ({ body, principal }) => {
        requireOperator(principal, CHANGED);
        // Before the measure: should another model be filled meanwhile, this does not hold.
        const before = await standing();
        const measured = await service().measure(body?.queries ?? QUERIES);
        const against = judgeCutover(measured);
        if (against.length > 0 && !body?.force && !body?.dryRun)
          throw new FreshetError('conflict', `not cut over: ${against.join('; ')}`);
        return {
          ...(await move(before, { action: 'cutover' }, principal, body)),
          ...{ comparison: measured, against },
        };
      },
    }),
    ...MOVES.map(({ action, summary }) =>
      route({
        method: 'POST',
        path: `/v1/index/${action}`,
        tag: 'status',
        summary,
        body: z.strictObject(ofChange).optional(),
        answers: [{ status: 202, description: LATER, schema: moved }],
        errors: ['forbidden', 'not-found', 'conflict', 'index-unavailable', 'append-failed'],
        handle: async ({ body, principal }) => {
          requireOperator(principal, CHANGED);
          const before = await standing();
          return move(before, action === 'finish' ? await finishing() : { action }, principal, body);
        },
      }),
    ),
  ];
};
