/** What a planned agent decides from: the input, what was retrieved, and what has come of its steps so far. Pure. */
import type { AgentDefinition, PlanSeen } from '../../schemas/agent-definition.ts';
import { readInput } from './checked-value.ts';
import type { ExecutionState } from './execution-state.ts';

export const planSeenOf = (state: ExecutionState, agent: AgentDefinition): PlanSeen => ({
  input: readInput(agent, state.input?.text ?? '').value,
  passages: (state.retrieved ?? []).map(({ documentId, source, title, text, ageMs, stale, flags }) => ({
    ...{ documentId, source, title, text, ageMs, stale, flags },
  })),
  results: state.results,
  replies: state.messages.flatMap((message) =>
    message.role === 'assistant' && !message.toolCalls ? [message.content] : [],
  ),
});
