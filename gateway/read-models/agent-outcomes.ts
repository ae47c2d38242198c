/** How the last executions ended, to be counted by agent over a stretch of time. Bounded: of more than are held, the last are a fair sample. */
import { LRUCache } from 'lru-cache';
import type { EndCode } from '../../schemas/execution-payloads.ts';
import type { AgentEvent } from '../../schemas/records.ts';
import { LOOP_CODES } from './agent-metrics.ts';
import type { ExecutionEntry } from './execution-entry.ts';

/** Of one agent. */
export interface Endings {
  readonly ended: number;
  /** Failed or halted; those that loop too. */
  readonly failed: number;
  readonly loops: number;
}

export interface AgentOutcomes {
  /** An event that counts, with the entry after it. */
  event(event: AgentEvent, entry: ExecutionEntry): void;
  /** Of what ended at or after a time, microseconds since the Unix epoch. */
  since(at: number): ReadonlyMap<string, Endings>;
  clear(): void;
}

interface Ended {
  readonly agent: string;
  readonly at: number;
  readonly failed: boolean;
  readonly loop: boolean;
}

const MAX_HELD = 20_000;
/** Ends that a person chose say nothing of an agent. */
const BY_PEOPLE: ReadonlySet<string> = new Set<EndCode>(['cancelled', 'killed']);

export const createAgentOutcomes = (max = MAX_HELD): AgentOutcomes => {
  const held = new LRUCache<string, Ended>({ max });
  return {
    event: ({ type, executionId, agent, at }, { result }) => {
      if (type !== 'response' || !result) return;
      const code = result.error?.code ?? '';
      if (BY_PEOPLE.has(code)) return;
      const failed = result.outcome !== 'completed';
      held.set(executionId, { agent, at, failed, loop: failed && LOOP_CODES.has(code) });
    },
    since: (from) => {
      const found = new Map<string, { ended: number; failed: number; loops: number }>();
      for (const { agent, at, failed, loop } of held.values()) {
        if (at < from) continue;
        const endings = found.get(agent) ?? { ended: 0, failed: 0, loops: 0 };
        found.set(agent, endings);
        endings.ended += 1;
        if (failed) endings.failed += 1;
        if (loop) endings.loops += 1;
      }
      return found;
    },
    clear: () => held.clear(),
  };
};
