/** What people ask of a task while it runs: that it stops, or that an action of it may be taken. */
import { z } from 'zod';
import { APPROVAL_ASKED } from '../../schemas/approval-request.ts';
import type { ControlSignal } from '../../schemas/control-signals.ts';
import { FreshetError, hasCode } from '../../schemas/errors.ts';
import { findWholeExecution } from '../find-execution.ts';
import { findTask } from '../find-task.ts';
import type { GatewayContext } from '../gateway-context.ts';
import { ofChange, ofTenant, taskId } from '../http/fields.ts';
import type { Asker } from '../http/principal-of-request.ts';
import { route } from '../http/route.ts';
import type { ExecutionEntry } from '../read-models/execution-entry.ts';
import { sendSignal } from '../send-signal.ts';
import { approvalSchema, approvalsOf } from '../views/approval-view.ts';

const state = z.enum(['pending', 'processing', 'completed', 'failed']);

export const taskSignalRoutes = (context: GatewayContext) => {
  const { models, settings } = context;

  /** A task that has not ended. Errors: `not-found`, `conflict`. */
  const running = async (id: string, asker: Asker): Promise<ExecutionEntry> => {
    const entry = await findTask(context, id, asker);
    if (entry.state === 'completed' || entry.state === 'failed')
      throw new FreshetError('conflict', `task ${id} has ended already: ${entry.state}`);
    return entry;
  };

  /** With whole arguments: that is what a person says yes to. What has waited for long may be told by its snapshot alone. */
  const approvals = async (executionId: string, asker: Asker) => {
    const asks = ({ name }: { readonly name: string | null }): boolean => name === APPROVAL_ASKED;
    const waiting = models.approvals.of(executionId);
    const { events } = await findWholeExecution(context, executionId, asker, asks).catch((error) => {
      if (waiting && hasCode(error, 'not-found')) return { events: [] };
      throw error;
    });
    return approvalsOf(events, waiting, models.control, settings.clock());
  };

  return [
    route({
      method: 'POST',
      path: '/v1/tasks/{taskId}/cancel',
      tag: 'tasks',
      summary: 'Stops a task before its next step; what is under way is given up where it can be',
      params: z.object({ taskId }),
      query: z.strictObject(ofTenant),
      body: z.strictObject(ofChange).optional(),
      answers: [
        {
          status: 202,
          description:
            'Asked for: its result will be failed, with the code cancelled, unless it ended first.',
          schema: z.object({ taskId: z.string(), state, dryRun: z.boolean() }),
        },
      ],
      errors: ['not-found', 'conflict', 'append-failed', 'kafka-unavailable'],
      handle: async (request) => {
        const { params, body, principal } = request;
        const { reason = null, dryRun = false } = body ?? {};
        const entry = await running(params.taskId, request);
        const signal: ControlSignal = {
          kind: 'cancel',
          taskId: entry.taskId,
          executionId: entry.executionId,
          by: principal.name,
          reason,
          at: settings.clock(),
        };
        if (!dryRun) await sendSignal(context, signal, 'task cancel', entry.tenant);
        return { taskId: entry.taskId, state: entry.state, dryRun };
      },
    }),
    route({
      method: 'GET',
      path: '/v1/tasks/{taskId}/approvals',
      tag: 'tasks',
      summary: 'What the task asks people to agree to, with the exact arguments',
      params: z.object({ taskId }),
      query: z.strictObject(ofTenant),
      answers: [
        {
          status: 200,
          description: 'Requests for approval.',
          schema: z.object({ taskId: z.string(), approvals: z.array(approvalSchema) }),
        },
      ],
      errors: ['not-found', 'kafka-unavailable'],
      handle: async (request) => {
        const entry = await findTask(context, request.params.taskId, request);
        return { taskId: entry.taskId, approvals: await approvals(entry.executionId, request) };
      },
    }),
    route({
      method: 'POST',
      path: '/v1/tasks/{taskId}/approve',
      tag: 'tasks',
      summary: 'Approves or denies one action of a task, bound to its exact arguments and good for this once',
      params: z.object({ taskId }),
      query: z.strictObject(ofTenant),
      body: z.strictObject({
        step: z.int().min(0).max(1_000_000),
        argumentsHash: z
          .string()
          .regex(/^[0-9a-f]{64}$/, 'sha256 in hexadecimal, as GET …/approvals gives it'),
        decision: z.enum(['approve', 'deny']),
        ...ofChange,
      }),
      answers: [
        {
          status: 202,
          description: 'Decided: the task goes on within a second.',
          schema: z.object({
            taskId: z.string(),
            step: z.number(),
            decision: z.enum(['approve', 'deny']),
            dryRun: z.boolean(),
          }),
        },
      ],
      errors: ['not-found', 'conflict', 'append-failed', 'kafka-unavailable'],
      handle: async (request) => {
        const { params, body, principal } = request;
        const { step, argumentsHash, decision, dryRun } = body;
        const entry = await running(params.taskId, request);
        const asked = (await approvals(entry.executionId, request)).find(
          (each) => each.step === step && each.argumentsHash === argumentsHash,
        );
        if (!asked)
          throw new FreshetError(
            'not-found',
            `no action of step ${step} with these arguments waits for approval`,
          );
        if (asked.state !== 'waiting')
          throw new FreshetError('conflict', `the action of step ${step} is ${asked.state} already`);
        const signal: ControlSignal = {
          kind: 'approval',
          subject: { executionId: entry.executionId, step, argumentsHash },
          taskId: entry.taskId,
          decision,
          by: principal.name,
          reason: body.reason ?? null,
          at: settings.clock(),
        };
        if (!dryRun) await sendSignal(context, signal, `task ${decision}`, entry.tenant);
        return { taskId: entry.taskId, step, decision, dryRun };
      },
    }),
  ];
};
