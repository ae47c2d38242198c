/**
 * What has become of a request for approval. The decision is bound to the execution, the step and the hash of the exact
 * arguments, so it lets nothing else pass, and the journaled outcome of that step is the proof that it was used: no later
 * step has its number. What was decided after the deadline is void. Pure.
 */
import { type ApprovalSubject, approvalKeyOf, type ControlSignal } from '../../schemas/control-signals.ts';

export type ApprovalDecision = Extract<ControlSignal, { readonly kind: 'approval' }>;

export type ApprovalVerdict =
  | { readonly kind: 'waiting'; readonly until: number }
  | { readonly kind: 'approved'; readonly by: string; readonly reason: string | null }
  | { readonly kind: 'denied'; readonly by: string; readonly reason: string | null }
  | { readonly kind: 'expired' };

/** `deadlineAt` and `now` in microseconds since the Unix epoch. */
export const approvalVerdict = (
  request: ApprovalSubject & { readonly deadlineAt: number },
  decision: ApprovalDecision | undefined,
  now: number,
): ApprovalVerdict => {
  const { deadlineAt } = request;
  if (decision && decision.at <= deadlineAt && approvalKeyOf(decision.subject) === approvalKeyOf(request)) {
    const { by, reason } = decision;
    return { kind: decision.decision === 'approve' ? 'approved' : 'denied', by, reason };
  }
  return now > deadlineAt ? { kind: 'expired' } : { kind: 'waiting', until: deadlineAt };
};
