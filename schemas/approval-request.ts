/** That an execution waits for a person: a `checkpoint` of the journal with this name, at the step that waits. */
import type { ApprovalSubject } from './control-signals.ts';
import type { AgentEvent } from './records.ts';

export const APPROVAL = 'approval';

export interface ApprovalRequest extends ApprovalSubject {
  readonly tool: string;
  readonly arguments: unknown;
  /** Microseconds since the Unix epoch; a decision after it is void. */
  readonly deadlineAt: number;
}

/** What the checkpoint says. */
export const approvalCheckpoint = ({
  step,
  tool,
  arguments: input,
  argumentsHash,
  deadlineAt,
}: Omit<ApprovalRequest, 'executionId'>): Pick<AgentEvent, 'type' | 'step' | 'name' | 'input'> => ({
  type: 'checkpoint',
  step,
  name: APPROVAL,
  input: JSON.stringify({ tool, arguments: input, argumentsHash, deadlineAt }),
});

/** Undefined for every other event, and for what cannot be read: the journal can be written by anyone who reaches Kafka. */
export const approvalRequestOf = ({
  type,
  name,
  step,
  executionId,
  input,
}: Pick<AgentEvent, 'type' | 'name' | 'step' | 'executionId' | 'input'>): ApprovalRequest | undefined => {
  if (type !== 'checkpoint' || name !== APPROVAL || input === null) return undefined;
  try {
    const value = JSON.parse(input) as Partial<Record<keyof ApprovalRequest, unknown>> | null;
    const { tool, argumentsHash, deadlineAt } = value ?? {};
    if (typeof tool !== 'string' || typeof argumentsHash !== 'string' || typeof deadlineAt !== 'number')
      return undefined;
    return { executionId, step, tool, arguments: value?.arguments, argumentsHash, deadlineAt };
  } catch {
    return undefined;
  }
};
