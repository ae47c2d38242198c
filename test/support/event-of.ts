/** An event of the journal with what a test does not say left blank. */
import { eventOf as journalEventOf } from '../../agents/runtime/execution-journal.ts';
import type { AgentEvent } from '../../schemas/records.ts';

const IDENTITY = {
  executionId: 'execution-1',
  taskId: 'task-1',
  agent: 'support',
  behaviour: '1',
  worker: 'worker-a',
  tenant: 'acme',
  sessionId: null,
};
const AT = 1_700_000_000_000_000;

export const eventOf = (part: Partial<AgentEvent> & Pick<AgentEvent, 'type'>): AgentEvent => ({
  ...journalEventOf(IDENTITY, { step: 0, ...part }, { epoch: 1, sequence: 0 }, AT),
  ...part,
});
