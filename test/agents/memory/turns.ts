/** Turns, ended executions and memories as tests need them: whole, and different where a test says so. */
import type { EndedExecution } from '../../../agents/memory/remembered-turn.ts';
import type { SessionTurn } from '../../../schemas/recollection.ts';
import type { Memory } from '../../../schemas/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';

export const JOURNAL = TOPICS.agentEvents.name;

export const turn = (number: number, over: Partial<SessionTurn> = {}): SessionTurn => ({
  executionId: `execution-${number}`,
  place: { topic: JOURNAL, partition: 0, offset: number },
  at: number,
  question: `Question ${number}?`,
  answer: `Answer ${number}.`,
  origin: 'model',
  ...over,
});

export const ended = (number: number, over: Partial<EndedExecution> = {}): EndedExecution => ({
  executionId: `execution-${number}`,
  agent: 'support',
  tenant: 'acme',
  sessionId: 's-1',
  place: { topic: JOURNAL, partition: 0, offset: number },
  at: number,
  outcome: 'completed',
  question: `Question ${number}?`,
  answer: `Answer ${number}.`,
  tools: [],
  retrieved: false,
  recalled: 'user',
  feedback: null,
  ...over,
});

export const memory = (number: number, over: Partial<Memory> = {}): Memory => ({
  memoryId: `behaviour-${number}`,
  kind: 'behaviour',
  state: 'kept',
  tenant: 'acme',
  agent: 'support',
  sessionId: null,
  title: `What worked for: ${number}`,
  text: `Done: ${number}`,
  origin: 'tool',
  uses: 1,
  createdAt: number,
  at: number,
  expiresAt: number + 1_000,
  executionId: `execution-${number}`,
  places: [{ topic: JOURNAL, partition: 0, from: number, to: number }],
  reason: null,
  ...over,
});
