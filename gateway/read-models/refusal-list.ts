/**
 * What was not let through without ending anything by itself: calls that may not be made, money denied, breakers open, approvals
 * denied or expired, tasks not taken on. Counted by what was refused to whom, the last of each kept: a flood of refusals takes no room.
 */

import { LRUCache } from 'lru-cache';
import { ownField } from '../../schemas/own-field.ts';
import type { AgentEvent } from '../../schemas/records.ts';
import { isOf, type OfWhom } from './of-whom.ts';

/** What refused. */
export const REFUSERS = ['capability', 'tool', 'approval', 'breaker', 'day-budget', 'intake'] as const;
export type Refuser = (typeof REFUSERS)[number];

const REFUSER_OF: Readonly<Record<string, Refuser>> = {
  'not-allowed': 'capability',
  'unknown-tool': 'tool',
  'arguments-invalid': 'tool',
  'too-deep': 'tool',
  // An MCP tool that is not as it was pinned; an address that tools may not reach.
  forbidden: 'tool',
  'approval-denied': 'approval',
  'approval-expired': 'approval',
  'breaker-open': 'breaker',
  'agent-budget': 'day-budget',
  'tenant-budget': 'day-budget',
};

export interface Refusal {
  readonly by: Refuser;
  readonly code: string;
  readonly agent: string;
  readonly tenant: string | null;
  /** Of the tool or the model; null where the task itself was refused. */
  readonly name: string | null;
  /** Of all that are alike, as far as they were read. */
  readonly count: number;
  /** Microseconds since the Unix epoch. */
  readonly firstAt: number;
  readonly lastAt: number;
  /** Of the last. */
  readonly reason: string;
  readonly executionId: string | null;
  readonly step: number | null;
}

export interface RefusalList {
  /** An event that counts. */
  event(event: AgentEvent): void;
  /** A task that this gateway did not take on: nothing of it is in Kafka. */
  intake(refused: Pick<Refusal, 'agent' | 'tenant' | 'reason'> & { readonly at: number }): void;
  /** The last refused first. */
  list(limit: number, of?: OfWhom): { readonly held: number; readonly items: readonly Refusal[] };
  clear(): void;
}

const MAX_HELD = 500;
const MAX_REASON = 1_000;

export const createRefusalList = (max = MAX_HELD): RefusalList => {
  const held = new LRUCache<string, Refusal>({ max });
  const note = (refused: Omit<Refusal, 'count' | 'firstAt'>): void => {
    const { by, code, agent, tenant, name, lastAt } = refused;
    const key = JSON.stringify([by, code, agent, tenant, name]);
    const known = held.get(key);
    const newest = known && known.lastAt > lastAt ? known : refused;
    held.set(key, {
      ...newest,
      reason: newest.reason.slice(0, MAX_REASON),
      count: (known?.count ?? 0) + 1,
      firstAt: Math.min(known?.firstAt ?? lastAt, lastAt),
    });
  };
  return {
    event: ({ type, error, agent, tenant, name, at, executionId, step }) => {
      if (error === null || (type !== 'error' && type !== 'tool-call')) return;
      const { code, message: reason } = error;
      const by = ownField(REFUSER_OF, code);
      if (by) note({ by, code, agent, tenant, name, reason, lastAt: at, executionId, step });
    },
    intake: ({ agent, tenant, reason, at }) =>
      note({
        ...{ by: 'intake', code: 'too-many-requests', agent, tenant, name: null, reason, lastAt: at },
        ...{ executionId: null, step: null },
      }),
    list: (limit, of = {}) => {
      const found = [...held.values()].filter(isOf(of)).sort((a, b) => b.lastAt - a.lastAt);
      return { held: found.length, items: found.slice(0, limit) };
    },
    clear: () => held.clear(),
  };
};
