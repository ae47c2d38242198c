/** The agents: what they are, how they do, what people think of their answers. */
import { z } from 'zod';
import { cloudEventHeaders } from '../../schemas/cloud-event.ts';
import { FreshetError } from '../../schemas/errors.ts';
import type { Feedback } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { findTask } from '../find-task.ts';
import type { GatewayContext } from '../gateway-context.ts';
import { line, ofTenant, taskId, text } from '../http/fields.ts';
import { route } from '../http/route.ts';
import type { AgentMetrics } from '../read-models/agent-metrics.ts';
import { agentHealthOf, waitingOf } from '../views/agent-health.ts';
import { memoryOfRole } from '../views/role-counters.ts';
import { isoTime } from '../views/times.ts';

const share = z.number().nullable();

const metricsSchema = z.object({
  since: z.string().nullable(),
  requests: z.number(),
  requestsPerMinute: z.number(),
  completed: z.number(),
  failed: z.number(),
  halted: z.number(),
  successRate: share,
  errorRate: share.describe('Failed and halted, of what ended.'),
  loopRate: share,
  latencyMs: z.object({ p50: share, p95: share, p99: share }),
  meanResolutionMs: share,
  tokensPerRequest: share,
  apiCallsPerRequest: share.describe('Calls of models, tools and the index.'),
  meanCostUsd: z.string().nullable(),
  toolSuccessRate: share,
  feedbackScore: share,
  feedbackCount: z.number(),
  memoryBytes: z.number().nullable().describe('Of the processes of the agents role, which agents share.'),
});

export const agentSchema = z.object({
  name: z.string(),
  version: z.string(),
  tools: z.array(z.object({ name: z.string(), effect: z.enum(['read', 'write']) })),
  health: z.object({
    state: z.enum(['healthy', 'degraded', 'failing', 'unknown']),
    reasons: z.array(z.string()),
    open: z.number().describe('Tasks that have not ended.'),
  }),
  metrics: metricsSchema,
});

const feedbackToGive = z.strictObject({
  score: z.number().min(0).max(1).describe('0: useless, 1: right.'),
  comment: text(2_000).optional(),
});

const given = z.object({ taskId: z.string(), agent: z.string(), score: z.number(), by: z.string() });

const shown = ({ lately: _, since, ...metrics }: AgentMetrics, memoryBytes: number | null) => ({
  ...metrics,
  since: isoTime(since),
  memoryBytes,
});

export const agentRoutes = (context: GatewayContext) => {
  const { models, settings } = context;
  const { agents, clock, codec, writer } = settings;

  const waitingFor = (agent: string) => {
    const pending = models.executions.list({ agent, state: 'pending', limit: 500 });
    const running = models.executions.list({ agent, state: 'processing', limit: 500 });
    return waitingOf(pending, running, clock());
  };

  const views = async (wanted = agents) => {
    const memory = memoryOfRole((await settings.roleMetrics?.()) ?? [], 'agents');
    return wanted.map(({ name, version, tools }) => {
      const metrics = models.agents.of(name);
      const waiting = waitingFor(name);
      return {
        name,
        version,
        tools: (tools ?? []).map((tool) => ({ name: tool.name, effect: tool.effect })),
        health: { ...agentHealthOf(metrics, waiting), open: waiting.open },
        metrics: shown(metrics, memory),
      };
    });
  };

  return [
    route({
      method: 'GET',
      path: '/v1/agents',
      tag: 'agents',
      summary: 'Every agent with its health and metrics',
      answers: [{ status: 200, description: 'Agents.', schema: z.object({ agents: z.array(agentSchema) }) }],
      errors: [],
      handle: async () => ({ agents: await views() }),
    }),
    route({
      method: 'GET',
      path: '/v1/agents/{name}',
      tag: 'agents',
      summary: 'An agent: what it is, how it does, and whether it is well',
      params: z.object({ name: line(60) }),
      answers: [{ status: 200, description: 'The agent.', schema: agentSchema }],
      errors: ['not-found'],
      handle: async ({ params }) => {
        const [view] = await views(agents.filter(({ name }) => name === params.name));
        if (!view) throw new FreshetError('not-found', `there is no agent ${params.name}`);
        return view;
      },
    }),
    route({
      method: 'POST',
      path: '/v1/tasks/{taskId}/feedback',
      tag: 'agents',
      summary: "What somebody thought of a task's answer; the newest of one person holds",
      params: z.object({ taskId }),
      query: z.strictObject(ofTenant),
      body: feedbackToGive,
      answers: [{ status: 200, description: 'Kept, once Kafka has it.', schema: given }],
      errors: ['not-found', 'conflict', 'append-failed', 'too-many-requests', 'kafka-unavailable'],
      handle: async (request) => {
        const { params, body, principal } = request;
        const entry = await findTask(context, params.taskId, request);
        if (!entry.result)
          throw new FreshetError('conflict', 'the task has no answer yet: give feedback once it has ended');
        const feedback: Feedback = {
          taskId: entry.taskId,
          executionId: entry.executionId,
          agent: entry.agent,
          behaviour: entry.behaviour ?? '',
          tenant: entry.tenant,
          score: body.score,
          comment: body.comment ?? null,
          by: principal.name,
          at: clock(),
        };
        await writer.append([
          {
            topic: TOPICS.feedback.name,
            key: feedback.taskId,
            value: codec.encode('Feedback', feedback),
            headers: cloudEventHeaders({
              id: `${feedback.taskId}:${feedback.by}:${feedback.at}`,
              type: 'freshet.feedback',
              source: 'freshet/gateway',
              at: feedback.at,
            }),
          },
        ]);
        return { taskId: feedback.taskId, agent: feedback.agent, score: feedback.score, by: feedback.by };
      },
    }),
  ];
};
