/** That an execution waits for a person: a `checkpoint` of the journal with this name, at the step that waits. */
import type { ApprovalSubject } from './control-signals.ts';
import type { AgentEvent } from './records.ts';

export const APPROVAL_ASKED = 'approval-asked';

export interface ApprovalRequest extends ApprovalSubject {
  readonly tool: string;
  readonly arguments: unknown;
  /** Microseconds since the Unix epoch; a decision after it is void. */
  readonly deadlineAt: number;
}

/** Undefined for every other event, and for what cannot be read: the journal can be written by anyone who reaches Kafka. */
export const approvalRequestOf = ({
  type,
  name,
  step,
  executionId,
  input,
  output,
}: Pick<AgentEvent, 'type' | 'name' | 'step' | 'executionId' | 'input' | 'output'>):
  | ApprovalRequest
  | undefined => {
  if (type !== 'checkpoint' || name !== APPROVAL_ASKED || input === null || output === null) return undefined;
  try {
    const asked = JSON.parse(output) as Readonly<Record<string, unknown>> | null;
    const { tool, argumentsHash, until } = asked ?? {};
    if (typeof tool !== 'string' || typeof argumentsHash !== 'string' || typeof until !== 'number')
      return undefined;
    const given: unknown = JSON.parse(input);
    return { executionId, step, tool, arguments: given, argumentsHash, deadlineAt: until };
  } catch {
    return undefined;
  }
};
