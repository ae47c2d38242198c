/** Requests for approval of an execution, and what has become of each. Pure. */
import { z } from 'zod';
import { approvalVerdict } from '../../agents/safety/approval-state.ts';
import { type ApprovalRequest, approvalRequestOf } from '../../schemas/approval-request.ts';
import type { ControlView } from '../../schemas/control-view.ts';
import type { JournaledEvent } from '../read-models/execution-entry.ts';
import { isoTime } from './times.ts';

export const approvalSchema = z.object({
  step: z.number(),
  tool: z.string(),
  arguments: z.unknown(),
  argumentsHash: z.string(),
  deadline: z.string().nullable(),
  state: z.enum(['waiting', 'approved', 'denied', 'expired']),
  by: z.string().nullable(),
  reason: z.string().nullable(),
});

/** The newest of each step, by step; `waiting`: one that is known to wait, whose question may not be among the events any more. */
export const approvalsOf = (
  events: readonly JournaledEvent[],
  waiting: ApprovalRequest | undefined,
  control: Pick<ControlView, 'approvalOf'>,
  now: number,
): readonly z.output<typeof approvalSchema>[] => {
  const requests = new Map<number, ApprovalRequest>(waiting && [[waiting.step, waiting]]);
  for (const { event, counts } of events) {
    const request = counts ? approvalRequestOf(event) : undefined;
    if (request) requests.set(request.step, request);
  }
  const inOrder = [...requests.values()].sort((a, b) => a.step - b.step);
  return inOrder.map((request) => {
    const verdict = approvalVerdict(request, control.approvalOf(request), now);
    const decided = verdict.kind === 'approved' || verdict.kind === 'denied' ? verdict : null;
    return {
      step: request.step,
      tool: request.tool,
      arguments: request.arguments,
      argumentsHash: request.argumentsHash,
      deadline: isoTime(request.deadlineAt),
      state: verdict.kind,
      by: decided?.by ?? null,
      reason: decided?.reason ?? null,
    };
  });
};
