import type { AgentEvent } from '../../schemas/records.ts';
import type { ExecutionEntry } from './execution-entry.ts';

/**
 * Whether a fork took a step over: it is journaled again with the time that it was made at, before the fork was begun. Its origin made it, and it
 * counts there. `entry`: after the event.
 */
export const isCopied = (
  { step, at }: Pick<AgentEvent, 'step' | 'at'>,
  { fork, startedAt }: Pick<ExecutionEntry, 'fork' | 'startedAt'>,
): boolean => fork !== null && step <= fork.step && at < startedAt;
