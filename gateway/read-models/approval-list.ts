/** Actions that wait for a person: asked for in the journal, and neither decided there nor ended. Pure but for being kept in place. */
import { LRUCache } from 'lru-cache';
import { type ApprovalRequest, approvalRequestOf } from '../../schemas/approval-request.ts';
import type { AgentEvent } from '../../schemas/records.ts';

export interface AskedApproval extends ApprovalRequest {
  readonly taskId: string;
  readonly agent: string;
  readonly tenant: string | null;
  /** Microseconds since the Unix epoch. */
  readonly askedAt: number;
}

export interface ApprovalList {
  /** An event that counts. */
  event(event: AgentEvent): void;
  /** Of all executions that run, the first to become void first; a decision may be on its way to its worker. */
  all(): readonly AskedApproval[];
  clear(): void;
}

const MAX_HELD = 1_000;

export const createApprovalList = (max = MAX_HELD): ApprovalList => {
  /** By execution: it waits for one person at a time, as its calls are made in their order. */
  const held = new LRUCache<string, AskedApproval>({ max });
  return {
    event: (event) => {
      const { executionId, taskId, agent, tenant, at, step } = event;
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
    all: () => [...held.values()].sort((a, b) => a.deadlineAt - b.deadlineAt),
    clear: () => held.clear(),
  };
};
