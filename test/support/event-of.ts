/** An event of the journal with what a test does not say left blank. */
import { BLANK_EVENT } from '../../agents/runtime/execution-journal.ts';
import type { AgentEvent } from '../../schemas/records.ts';

export const eventOf = (part: Partial<AgentEvent> & Pick<AgentEvent, 'type'>): AgentEvent => ({
  ...BLANK_EVENT,
  executionId: 'execution-1',
  taskId: 'task-1',
  epoch: 1,
  sequence: 0,
  step: 0,
  at: 1_700_000_000_000_000,
  agent: 'support',
  behaviour: '1',
  worker: 'worker-a',
  tenant: 'acme',
  sessionId: null,
  ...part,
});
