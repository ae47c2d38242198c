/** Replays: one execution or a range, on recorded results; what another behaviour would have done; a new execution from a recorded state. */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { bindBehaviours } from '../../agents/behaviours/bind-behaviour.ts';
import { compensationsOf } from '../../agents/replay/compensations.ts';
import { estimatePrompt } from '../../agents/replay/estimate-prompt.ts';
import { candidateOf, findAmong } from '../../agents/replay/find-behaviour.ts';
import { type Fork, forkedEvents } from '../../agents/replay/fork-events.ts';
import { replayExecution } from '../../agents/replay/replay-execution.ts';
import { replayRange } from '../../agents/replay/replay-range.ts';
import { whatIf } from '../../agents/replay/what-if.ts';
import { FreshetError } from '../../schemas/errors.ts';
import type { UserInput } from '../../schemas/execution-payloads.ts';
import { executionIdOf } from '../../schemas/task-identity.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { atMost } from '../at-most.ts';
import { auditRecord } from '../audit-record.ts';
import { findExecution, findWholeExecution } from '../find-execution.ts';
import type { FoundExecution } from '../find-older.ts';
import type { GatewayContext } from '../gateway-context.ts';
import { executionId, line, moment, ofChange, ofTenant, usd } from '../http/fields.ts';
import { answerInLines } from '../http/line-stream.ts';
import { tenantOf, visibleTenant } from '../http/principal-of-request.ts';
import { route } from '../http/route.ts';
import { taskIdOfKey } from '../submit-task.ts';
import { forkedSchema, rangeExecutionSchema, replaySchema, whatIfSchema } from '../views/replay-schemas.ts';
import { positionOf } from '../views/timeline.ts';

/** Ranges replayed at a time: each reads and decodes thousands of records. */
const MAX_RANGES = 2;
const MAX_KEY = line(255);

const begunOf = ({ entry }: FoundExecution) => {
  if (entry.first === null)
    throw new FreshetError('not-found', 'no worker has begun this task yet: there is nothing to replay');
  return entry.first;
};

const rangeToReplay = z.strictObject({
  partition: z.int().min(0).max(100_000),
  offset: z.int().min(0).describe('The first of the range.'),
  toOffset: z.int().min(0).describe('The last of the range.'),
});

const forkToMake = z.strictObject({
  step: z.int().min(0).max(100_000).describe('The last step that is taken over; 0 begins anew.'),
  budget: z
    .strictObject({ maxUsd: usd.optional(), maxSteps: z.int().min(1).max(1_000).optional() })
    .optional()
    .describe("Counted from zero; its origin's where left out, clamped to the agent's limits."),
  feature: line(100).optional().describe("What its cost is attributed to; its origin's where left out."),
  deadlineAt: moment.optional().describe("Past it, it is halted; its origin's does not hold for it."),
  compensate: z
    .boolean()
    .default(false)
    .describe('Undo first what the origin did outside after that step, where its tools say how.'),
  ...ofChange,
});

/** Counted from zero: the steps that are taken over are none of its own. */
const budgetOf = (
  asked: z.infer<typeof forkToMake>['budget'],
  { input, step }: Fork,
): UserInput['budget'] => {
  const budget = asked ?? input.budget;
  if (!budget) return null;
  const { maxUsd = null, maxSteps = null } = budget;
  return { maxUsd, maxSteps: maxSteps === null ? null : maxSteps + step };
};

export const replayRoutes = (context: GatewayContext) => {
  const { settings, submitTask, payloads } = context;
  const { kafka, codec, agents, config, writer, clock } = settings;
  const { behaviours } = config;
  const behaviourOf = bindBehaviours({
    agents: new Map(agents.map((agent) => [agent.name, agent])),
    behaviours,
    rolloutOf: (agent) => context.models.control.rolloutOf(agent)?.rollout,
    onMissing: () => undefined,
  });
  const oneOfFew = atMost(MAX_RANGES, `${MAX_RANGES} ranges are being replayed already; try again`);

  return [
    route({
      method: 'POST',
      path: '/v1/executions/{executionId}/replay',
      tag: 'replay',
      summary:
        'Runs the execution again on recorded results and holds every decision against the journal; calls nothing outside',
      params: z.object({ executionId }),
      query: z.strictObject(ofTenant),
      answers: [{ status: 200, description: 'Every decision, recorded and replayed.', schema: replaySchema }],
      errors: ['not-found', 'payload-lost', 'too-many-requests', 'kafka-unavailable'],
      handle: async (request) => {
        const first = begunOf(await findExecution(context, request.params.executionId, request));
        const at = { topic: TOPICS.agentEvents.name, ...first };
        return replayExecution({ kafka, codec, payloads, agents, behaviours, at });
      },
    }),
    route({
      method: 'POST',
      path: '/v1/executions/{executionId}/what-if',
      tag: 'replay',
      summary:
        'What another version of the agent would have decided over the recorded outcomes, where it leaves them, and how cost would differ, as an estimate; calls nothing outside',
      params: z.object({ executionId }),
      query: z.strictObject(ofTenant),
      body: z.strictObject({ behaviour: line(60).describe('A version that the configuration holds.') }),
      answers: [{ status: 200, description: 'Recorded and candidate.', schema: whatIfSchema }],
      errors: ['not-found', 'payload-lost', 'too-many-requests', 'kafka-unavailable'],
      handle: async (request) => {
        const { params, body } = request;
        const found = await findWholeExecution(context, params.executionId, request);
        begunOf(found);
        const candidate = candidateOf(agents, behaviours, found.entry.agent, body.behaviour);
        return whatIf(
          found.events.map(({ event }) => event),
          candidate,
          estimatePrompt,
        );
      },
    }),
    route({
      method: 'POST',
      path: '/v1/replays',
      tag: 'replay',
      summary:
        'Replays every execution with an event in a range of offsets of freshet.agent-events, in one pass; lines of JSON: each execution as it ends, `{progress}`, and last `{summary}`',
      query: z.strictObject(ofTenant),
      body: rangeToReplay,
      answers: [
        {
          status: 200,
          description: 'Executions, progress, and the summary.',
          contentType: 'application/x-ndjson',
          schema: rangeExecutionSchema,
        },
      ],
      errors: ['not-found', 'too-many-requests', 'kafka-unavailable', 'registry-unavailable'],
      handle: ({ body, query, principal }, reply) =>
        oneOfFew(() => {
          const { partition, offset: from, toOffset: to } = body;
          const tenant = visibleTenant(principal, query.tenant);
          return answerInLines(reply, async ({ line: tell, closed }) => {
            const summary = await replayRange({
              ...{ kafka, codec, payloads, signal: closed },
              findBehaviour: findAmong(agents, behaviours),
              range: { topic: TOPICS.agentEvents.name, partition, from, to },
              ...(tenant === undefined ? {} : { tenant }),
              onExecution: ({ offset, ...execution }) =>
                tell({ ...execution, position: positionOf(partition, offset) }),
              onProgress: (progress) => {
                // Whoever is gone is noticed by `closed`.
                tell({ progress }).catch(() => undefined);
              },
            });
            await tell({ summary });
          });
        }),
    }),
    route({
      method: 'POST',
      path: '/v1/executions/{executionId}/fork',
      tag: 'replay',
      summary:
        'A new live execution that begins from the recorded state after a step: its decisions up to there are taken over, the rest is decided anew. Audited',
      headers: { 'Idempotency-Key': 'The same key is the same fork, however often it is sent.' },
      params: z.object({ executionId }),
      query: z.strictObject(ofTenant),
      body: forkToMake,
      answers: [
        { status: 202, description: 'Acknowledged by Kafka.', schema: forkedSchema },
        { status: 200, description: 'With dryRun: what it would be.', schema: forkedSchema },
      ],
      errors: [
        'not-found',
        'payload-lost',
        'conflict',
        'append-failed',
        'too-many-requests',
        'kafka-unavailable',
      ],
      handle: async (request, reply) => {
        const { params, body, headers, principal } = request;
        const found = await findWholeExecution(context, params.executionId, request);
        const first = begunOf(found);
        const recorded = found.events.map(({ event }) => event);
        const fork = forkedEvents(recorded, body.step, '');
        const key = headers['idempotency-key'];
        if (key !== undefined && !MAX_KEY.safeParse(key).success)
          throw new FreshetError('request-invalid', 'Idempotency-Key: 1 to 255 characters that print');
        const tenant = tenantOf(principal, fork.tenant ?? undefined, config.localTenant);
        // A name of its own where none was given: what is audited before it is done must be known by then.
        const named = key ?? `fork-${randomUUID()}`;
        const taskId = taskIdOfKey(tenant, named);
        // As the worker that begins it will find it, be it a candidate.
        const agent = behaviourOf({ agent: fork.agent, taskId, tenant, sessionId: fork.sessionId }, null);
        if (!agent)
          throw new FreshetError(
            'conflict',
            `the agent ${fork.agent} is not configured any more: nobody would run it`,
          );
        const effects = compensationsOf(recorded, fork.step, agent);
        const told = {
          agent: { name: agent.name, version: agent.version },
          origin: fork.origin,
          takenOver: { events: fork.drafts.length, step: fork.step },
          effects: effects.map(({ step, tool, idempotencyKey, kind }) => ({
            step,
            tool,
            idempotencyKey,
            kind,
            costUsd: agent.tools?.find(({ name }) => name === tool)?.compensateUsd ?? null,
          })),
          compensate: body.compensate,
        };
        if (body.dryRun) return reply.code(200).send({ taskId: null, executionId: null, ...told });
        const { budget, deadlineAt } = body;
        const targets = [
          fork.origin,
          executionIdOf(taskId),
          ...told.effects.map((each) => each.idempotencyKey),
        ];
        const facts = {
          at: clock(),
          by: principal.name,
          action: 'execution fork',
          reason: body.reason ?? null,
          tenant,
        };
        await writer.append([auditRecord(codec, { ...facts, targets })]);
        await submitTask(
          {
            agent: fork.agent,
            input: fork.input.text,
            sessionId: fork.sessionId,
            feature: body.feature ?? fork.input.feature,
            budget: budgetOf(budget, fork),
            freshness: fork.input.freshness ?? null,
            // What is read from the journal again does not tell it.
            priority: (context.models.executions.execution(params.executionId) ?? found.entry).priority,
            deadlineAt: deadlineAt === undefined ? null : Date.parse(deadlineAt) * 1_000,
            fork: { ...first, step: body.step, compensate: body.compensate },
            tenant,
            principal: principal.name,
          },
          taskId,
          headers.traceparent,
        );
        reply.header('location', `/v1/tasks/${encodeURIComponent(taskId)}`);
        return reply.code(202).send({ taskId, executionId: executionIdOf(taskId), ...told });
      },
    }),
  ];
};
