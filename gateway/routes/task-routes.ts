/** Tasks: submit, look at, list. */
import { z } from 'zod';
import { wrongInputOf } from '../../agents/runtime/checked-value.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { findTask } from '../find-task.ts';
import type { GatewayContext } from '../gateway-context.ts';
import { freshness, line, moment, ofTenant, taskId, tenant, text, usd, wholeNumber } from '../http/fields.ts';
import { tenantOf, visibleTenant } from '../http/principal-of-request.ts';
import { route } from '../http/route.ts';
import { newTaskId, type TaskTiming, taskIdOfKey } from '../submit-task.ts';
import { taskSchema, taskViewOf } from '../views/execution-view.ts';
import { untilEnded } from '../wait-for-result.ts';

const MAX_INPUT_CHARACTERS = 10_000;
/** Longer ones are jobs. */
export const MAX_WAIT_SECONDS = 2;
const IDEMPOTENCY_KEY = line(255);

const submitted = z.object({
  taskId: z.string(),
  state: z.enum(['pending', 'processing', 'completed', 'failed']),
});

const taskToSubmit = z.strictObject({
  agent: line(60),
  input: text(MAX_INPUT_CHARACTERS),
  sessionId: line(200).optional().describe('Tasks of one session run in order, on one worker.'),
  feature: line(100).optional().describe('What the cost is attributed to.'),
  budget: z
    .strictObject({ maxUsd: usd.optional(), maxSteps: z.int().min(1).max(1_000).optional() })
    .optional()
    .describe("Clamped to the agent's own limits."),
  freshness: freshness.optional(),
  priority: z
    .int()
    .min(0)
    .max(9)
    .optional()
    .describe('Of what waits, the higher goes first; 0 where left out.'),
  notBefore: moment.optional().describe('It starts no sooner.'),
  deadlineAt: moment.optional().describe('Past it, it is halted.'),
  tenant: tenant.optional(),
});

/** Microseconds since the Unix epoch. Errors: `request-invalid`. */
const timingOf = (
  { priority = 0, notBefore, deadlineAt }: z.infer<typeof taskToSubmit>,
  now: number,
): TaskTiming => {
  const timing = {
    priority,
    notBefore: notBefore === undefined ? null : Date.parse(notBefore) * 1_000,
    deadlineAt: deadlineAt === undefined ? null : Date.parse(deadlineAt) * 1_000,
  };
  if (timing.deadlineAt !== null && timing.deadlineAt <= Math.max(now, timing.notBefore ?? 0))
    throw new FreshetError('request-invalid', 'deadlineAt: it is over before the task can start');
  return timing;
};

const waitSeconds = (prefer: string | undefined): number => {
  const [, seconds] = /(?:^|[,;\s])wait=(\d{1,4})(?:$|[,;\s])/.exec(prefer ?? '') ?? [];
  return Math.min(MAX_WAIT_SECONDS, Number(seconds ?? 0));
};

export const taskRoutes = (context: GatewayContext) => {
  const { models, settings, admitTask, submitTask } = context;
  const names = settings.agents.map((agent) => agent.name);

  return [
    route({
      method: 'POST',
      path: '/v1/tasks',
      tag: 'tasks',
      summary: 'Hands a task to an agent; answers once Kafka has it',
      headers: {
        'Idempotency-Key': 'The same key is the same task, however often it is sent.',
        Prefer: 'wait=2 waits up to 2 seconds for the result.',
        traceparent: 'W3C trace context, passed on with the task.',
      },
      body: taskToSubmit,
      answers: [
        { status: 202, description: 'Acknowledged by Kafka.', schema: submitted },
        { status: 200, description: 'With Prefer: wait, ended within the wait.', schema: taskSchema },
      ],
      errors: ['conflict', 'append-failed', 'too-many-requests', 'request-too-large'],
      handle: async ({ body, headers, principal }, reply) => {
        if (!names.includes(body.agent))
          throw new FreshetError(
            'request-invalid',
            `there is no agent ${body.agent}; there are: ${names.join(', ') || 'none'}`,
          );
        const agent = settings.agents.find(({ name }) => name === body.agent);
        const wrong = agent ? wrongInputOf(agent, body.input) : null;
        if (wrong !== null) throw new FreshetError('request-invalid', wrong);
        const key = headers['idempotency-key'];
        if (key !== undefined && !IDEMPOTENCY_KEY.safeParse(key).success)
          throw new FreshetError('request-invalid', 'Idempotency-Key: 1 to 255 characters that print');
        const ownTenant = tenantOf(principal, body.tenant, settings.config.localTenant);
        // A task that was taken on already is not refused when it is sent again.
        const id = key === undefined ? newTaskId() : taskIdOfKey(ownTenant, key);
        const twin = models.executions.task(id);
        const now = settings.clock();
        const timing = timingOf(body, twin?.hasTask ? 0 : now);
        if (!twin?.hasTask)
          admitTask({ agent: body.agent, tenant: ownTenant, taskId: id, sessionId: body.sessionId ?? null });
        await submitTask(
          {
            agent: body.agent,
            input: body.input,
            sessionId: body.sessionId ?? null,
            feature: body.feature ?? null,
            budget: body.budget
              ? { maxUsd: body.budget.maxUsd ?? null, maxSteps: body.budget.maxSteps ?? null }
              : null,
            freshness: body.freshness
              ? {
                  maxStalenessMs: body.freshness.maxStalenessMs ?? null,
                  after: body.freshness.after ?? null,
                  waitMs: body.freshness.waitMs ?? null,
                }
              : null,
            fork: null,
            ...timing,
            tenant: ownTenant,
            principal: principal.name,
          },
          id,
          headers.traceparent,
        );
        const seconds = waitSeconds(headers.prefer);
        const entry = await untilEnded(models.executions, id, seconds * 1_000);
        if (seconds > 0) reply.header('preference-applied', `wait=${seconds}`);
        reply.header('location', `/v1/tasks/${encodeURIComponent(id)}`);
        if (seconds > 0 && entry?.result) return reply.code(200).send(taskViewOf(entry));
        return { taskId: id, state: entry?.state ?? 'pending' };
      },
    }),
    route({
      method: 'GET',
      path: '/v1/tasks',
      tag: 'tasks',
      summary: 'Recent tasks, newest first',
      query: z.strictObject({
        agent: line(60).optional(),
        state: z.enum(['pending', 'processing', 'completed', 'failed']).optional(),
        tenant: tenant.optional(),
        limit: wholeNumber(1, 500, 50),
      }),
      answers: [{ status: 200, description: 'Tasks.', schema: z.object({ tasks: z.array(taskSchema) }) }],
      errors: [],
      handle: async ({ query, principal }) => {
        const { agent, state, limit } = query;
        const of = visibleTenant(principal, query.tenant);
        const filter = {
          ...(agent ? { agent } : {}),
          ...(state ? { state } : {}),
          ...(of ? { tenant: of } : {}),
        };
        return { tasks: models.executions.list({ ...filter, limit }).map(taskViewOf) };
      },
    }),
    route({
      method: 'GET',
      path: '/v1/tasks/{taskId}',
      tag: 'tasks',
      summary: 'A task with its state, and its result once it has one',
      params: z.object({ taskId }),
      query: z.strictObject(ofTenant),
      answers: [{ status: 200, description: 'The task.', schema: taskSchema }],
      errors: ['not-found', 'too-many-requests', 'kafka-unavailable'],
      handle: async (request) => taskViewOf(await findTask(context, request.params.taskId, request)),
    }),
  ];
};
