/**
 * Actions that wait for a person: asked for in the journal, or told by a snapshot of what has waited for long, and neither decided
 * there nor ended. Pure but for being kept in place.
 */
import { LRUCache } from 'lru-cache';
import { snapshotStateOf } from '../../agents/runtime/snapshot.ts';
import { type ApprovalRequest, approvalRequestOf } from '../../schemas/approval-request.ts';
import { isSnapshot } from '../../schemas/execution-snapshot.ts';
import type { AgentEvent } from '../../schemas/records.ts';

export interface AskedApproval extends ApprovalRequest {
  readonly taskId: string;
  readonly agent: string;
  readonly tenant: string | null;
  /** Microseconds since the Unix epoch. */
  readonly askedAt: number;
}

export interface ApprovalList {
  /** An event that counts; of a snapshot, with its state. */
  event(event: AgentEvent): void;
  of(executionId: string): AskedApproval | undefined;
  /** Of all executions that run, the first to become void first; a decision may be on its way to its worker. */
  all(): readonly AskedApproval[];
  clear(): void;
}

/** As many as workers journal whole in a partition (agents/runtime/wait-state.ts). */
const MAX_HELD = 10_000;

export const createApprovalList = (max = MAX_HELD): ApprovalList => {
  /** By execution: it waits for one person at a time, as its calls are made in their order. */
  const held = new LRUCache<string, AskedApproval>({ max });
  return {
    event: (event) => {
      const { executionId, taskId, agent, tenant, at, step } = event;
      if (isSnapshot(event)) {
        const asked = held.has(executionId) ? undefined : askedBefore(event);
        if (asked) held.set(executionId, asked);
        return;
      }
      const asked = approvalRequestOf(event);
      if (asked) {
        held.set(executionId, { ...asked, taskId, agent, tenant, askedAt: at });
        return;
      }
      const waiting = held.peek(executionId);
      if (!waiting) return;
      const decided =
        step === waiting.step &&
        (event.type === 'error' || (event.type === 'checkpoint' && event.name === 'approval-given'));
      if (decided || event.type === 'response' || step > waiting.step) held.delete(executionId);
    },
    of: (executionId) => held.peek(executionId),
    all: () => [...held.values()].sort((a, b) => a.deadlineAt - b.deadlineAt),
    clear: () => held.clear(),
  };
};

/** What an execution waits for that was journaled whole: its question lies before what was read. */
const askedBefore = (event: AgentEvent): AskedApproval | undefined => {
  const phase = snapshotStateOf(event)?.phase;
  if (phase?.kind !== 'awaiting-approval') return undefined;
  const [call] = phase.calls;
  if (!call) return undefined;
  const { executionId, taskId, agent, tenant } = event;
  const { step, argumentsHash, since, until } = phase;
  return {
    ...{
      executionId,
      taskId,
      agent,
      tenant,
      step,
      tool: call.name,
      arguments: call.arguments,
      argumentsHash,
    },
    ...{ deadlineAt: until, askedAt: since },
  };
};
