/** Executions as they run and ran, and their replay. */
import { z } from 'zod';
import { replayExecution } from '../../agents/replay/replay-execution.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { FoundExecution } from '../find-older.ts';
import type { GatewayContext } from '../gateway-context.ts';
import { executionId, line, tenant, wholeNumber } from '../http/fields.ts';
import { visibleTenant } from '../http/principal-of-request.ts';
import { route } from '../http/route.ts';
import {
  executionDetailOf,
  executionDetailSchema,
  executionSchema,
  executionSummaryOf,
} from '../views/execution-view.ts';

const findExecution = async ({ models, findOlder }: GatewayContext, id: string): Promise<FoundExecution> => {
  const entry = models.executions.execution(id);
  const events = models.executions.events(id);
  if (entry && events) return { entry, events };
  // A task that no worker has begun has no events yet.
  if (entry?.hasTask && entry.first === null) return { entry, events: [] };
  const found = await findOlder.execution(id, entry && !entry.incomplete ? entry.first : null);
  if (!found) throw new FreshetError('not-found', `there is no execution ${id}, or it is no longer kept`);
  return found;
};

const digest = z.object({
  kind: z.string(),
  name: z.string().nullable(),
  inputHash: z.string().nullable(),
  input: z.string().nullable().describe('Canonical JSON, where the two differ.'),
  stateHashBefore: z.string().nullable(),
  stateHashAfter: z.string().nullable(),
});

const replaySchema = z.object({
  executionId: z.string(),
  taskId: z.string(),
  agent: z.string(),
  tenant: z.string().nullable(),
  behaviour: z.object({
    recorded: z.array(z.string()),
    replayed: z.string().nullable(),
    same: z.boolean(),
  }),
  ended: z.boolean().describe('False while it still runs: then what there is of it was replayed.'),
  decisions: z.array(
    z.object({
      step: z.number(),
      kind: z.string(),
      name: z.string().nullable(),
      recorded: digest,
      replayed: digest,
      same: z.boolean(),
    }),
  ),
  identical: z.boolean(),
  outsideCalls: z.literal(0),
});

export const executionRoutes = (context: GatewayContext) => [
  route({
    method: 'GET',
    path: '/v1/executions',
    tag: 'executions',
    summary: 'Recent executions, newest first',
    query: z.strictObject({
      agent: line(60).optional(),
      state: z.enum(['pending', 'processing', 'completed', 'failed']).optional(),
      tenant: tenant.optional(),
      limit: wholeNumber(1, 500, 50),
    }),
    answers: [
      { status: 200, description: 'Executions.', schema: z.object({ executions: z.array(executionSchema) }) },
    ],
    errors: [],
    handle: async ({ query, principal }) => {
      const { agent, state, limit } = query;
      const of = visibleTenant(principal, query.tenant);
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
    answers: [{ status: 200, description: 'The execution.', schema: executionDetailSchema }],
    errors: ['not-found', 'too-many-requests', 'kafka-unavailable'],
    handle: async ({ params }) => {
      const { entry, events } = await findExecution(context, params.executionId);
      return executionDetailOf(entry, events);
    },
  }),
  route({
    method: 'POST',
    path: '/v1/executions/{executionId}/replay',
    tag: 'executions',
    summary:
      'Runs the execution again on recorded results and holds every decision against the journal; calls nothing outside',
    params: z.object({ executionId }),
    answers: [{ status: 200, description: 'Every decision, recorded and replayed.', schema: replaySchema }],
    errors: ['not-found', 'too-many-requests', 'kafka-unavailable'],
    handle: async ({ params }) => {
      const { kafka, codec, agents } = context.settings;
      const { entry } = await findExecution(context, params.executionId);
      if (entry.first === null)
        throw new FreshetError('not-found', 'no worker has begun this task yet: there is nothing to replay');
      const at = { topic: TOPICS.agentEvents.name, ...entry.first };
      return replayExecution({ kafka, codec, agents, at });
    },
  }),
];
