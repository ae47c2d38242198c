/** Executions as they run and ran: a list, the ones that used a document or a memory, one step by step, two side by side. */
import { z } from 'zod';
import { findUses } from '../../agents/replay/find-uses.ts';
import { findExecution, findWholeExecution } from '../find-execution.ts';
import type { GatewayContext } from '../gateway-context.ts';
import { documentId, executionId, line, ofTenant, tenant, wholeNumber } from '../http/fields.ts';
import { answerInLines } from '../http/line-stream.ts';
import { place } from '../http/positions.ts';
import { visibleTenant } from '../http/principal-of-request.ts';
import { route } from '../http/route.ts';
import { compareTimelines } from '../views/compare-timelines.ts';
import {
  executionDetailOf,
  executionDetailSchema,
  executionSchema,
  executionSummaryOf,
  payloadSchema,
} from '../views/execution-view.ts';
import { positionOf, timelineOf } from '../views/timeline.ts';
import { isoTime } from '../views/times.ts';

const usedBySchema = z.object({
  executionId: z.string(),
  taskId: z.string(),
  agent: z.string(),
  tenant: z.string().nullable(),
  brought: z.array(
    z.object({
      step: z.number(),
      via: z.enum(['retrieve', 'tool', 'memory']),
      name: z.string().nullable(),
      position: z.string(),
      version: z.string().nullable(),
      ageMs: z.number().nullable(),
    }),
  ),
  decisions: z.array(
    z.object({
      step: z.number(),
      kind: z.enum(['model', 'tool', 'answer']),
      name: z.string().nullable(),
      position: z.string(),
      at: z.string().nullable(),
    }),
  ),
  cited: z.boolean(),
  ended: z.boolean(),
});

const side = z
  .object({
    step: z.number(),
    kind: z.string(),
    name: z.string().nullable(),
    state: z.string(),
    input: z.unknown(),
    output: z.unknown(),
    inputPayload: payloadSchema,
    outputPayload: payloadSchema,
    error: z.object({ code: z.string(), message: z.string(), retryable: z.boolean() }).nullable(),
    costUsd: z.string().nullable(),
    durationMs: z.number(),
  })
  .nullable();

const comparisonSchema = z.object({
  a: executionSchema,
  b: executionSchema,
  steps: z.array(z.object({ a: side, b: side, differs: z.array(z.enum(['input', 'output', 'error'])) })),
  same: z.boolean().describe('Every step of one has its pair in the other, with the same input and output.'),
});

export const executionRoutes = (context: GatewayContext) => [
  route({
    method: 'GET',
    path: '/v1/executions',
    tag: 'executions',
    summary:
      'Recent executions, newest first; with `used`, those that had a document or a memory before them, from the journal',
    query: z.strictObject({
      agent: line(60).optional(),
      state: z.enum(['pending', 'processing', 'completed', 'failed']).optional(),
      tenant: tenant.optional(),
      limit: wholeNumber(1, 500, 50),
      used: documentId
        .optional()
        .describe(
          'Id of a document or a memory. The answer is then lines of JSON, the last one `{done, read, executions}`.',
        ),
      from: place.optional().describe('With `used`: partition:offset of freshet.agent-events to begin at.'),
      to: place.optional().describe('With `used`: the last that is read.'),
    }),
    answers: [
      { status: 200, description: 'Executions.', schema: z.object({ executions: z.array(executionSchema) }) },
    ],
    errors: ['kafka-unavailable', 'registry-unavailable'],
    handle: async ({ query, principal }, reply) => {
      const { agent, state, limit, used, from, to } = query;
      const of = visibleTenant(principal, query.tenant);
      if (used !== undefined)
        return answerInLines(reply, async ({ line: tell, closed }) => {
          const { payloads } = context;
          const { kafka, codec } = context.settings;
          const read = await findUses({
            ...{ kafka, codec, payloads, id: used, signal: closed },
            ...(from ? { from } : {}),
            ...(to ? { to } : {}),
            ...(of === undefined ? {} : { tenant: of }),
            onUse: ({ partition, brought, decisions, ...use }) =>
              (agent === undefined || use.agent === agent) &&
              tell({
                ...use,
                brought: brought.map(({ offset, ...each }) => ({
                  ...each,
                  position: positionOf(partition, offset),
                })),
                decisions: decisions.map(({ offset, at, ...each }) => ({
                  ...each,
                  position: positionOf(partition, offset),
                  at: isoTime(at),
                })),
              } satisfies z.infer<typeof usedBySchema>),
          });
          await tell({ done: true, ...read });
        });
      const filter = {
        ...(agent ? { agent } : {}),
        ...(state ? { state } : {}),
        ...(of ? { tenant: of } : {}),
      };
      return { executions: context.models.executions.list({ ...filter, limit }).map(executionSummaryOf) };
    },
  }),
  route({
    method: 'GET',
    path: '/v1/executions/{executionId}',
    tag: 'executions',
    summary:
      'An execution step by step: input, output, error, what was cited and how old it was, cost, and where each event stands',
    params: z.object({ executionId }),
    query: z.strictObject(ofTenant),
    answers: [{ status: 200, description: 'The execution.', schema: executionDetailSchema }],
    errors: ['not-found', 'too-many-requests', 'kafka-unavailable'],
    handle: async (request) => {
      const { entry, events } = await findExecution(context, request.params.executionId, request);
      return executionDetailOf(entry, events, context.models.feedback.of(entry.taskId));
    },
  }),
  route({
    method: 'GET',
    path: '/v1/executions/{executionId}/diff',
    tag: 'executions',
    summary: 'Two executions side by side: their steps in pairs, and what of each differs',
    params: z.object({ executionId }),
    query: z.strictObject({ ...ofTenant, with: executionId }),
    answers: [{ status: 200, description: 'The two.', schema: comparisonSchema }],
    errors: ['not-found', 'payload-lost', 'too-many-requests', 'kafka-unavailable'],
    handle: async (request) => {
      const { params, query } = request;
      const a = await findExecution(context, params.executionId, request);
      const b = await findExecution(context, query.with, request);
      const wholes = [
        await findWholeExecution(context, params.executionId, request),
        await findWholeExecution(context, query.with, request),
      ].map(({ events }) => timelineOf(events).steps);
      const compared = compareTimelines(wholes[0] ?? [], wholes[1] ?? []);
      // What is large is compared whole and shown at a glance: pairs are made of kinds and names, so both lists have the same.
      const steps = compareTimelines(timelineOf(a.events).steps, timelineOf(b.events).steps).map(
        (step, index) => ({ ...step, differs: compared[index]?.differs ?? step.differs }),
      );
      return {
        a: executionSummaryOf(a.entry),
        b: executionSummaryOf(b.entry),
        steps,
        same: steps.every((each) => each.a && each.b && each.differs.length === 0),
      };
    },
  }),
];
