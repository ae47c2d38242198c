/**
 * How the last executions of each agent ended, to be counted over a stretch of time. Bounded by agent, so that one of which much ends
 * leaves the others theirs: of more than are held, the last are a fair sample.
 */
import { LRUCache } from 'lru-cache';
import { type EndCode, OF_NO_VERSION } from '../../schemas/execution-payloads.ts';
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
  /** Another after each `clear`: what was counted before is gone. */
  generation(): number;
  clear(): void;
}

interface Ended {
  readonly at: number;
  readonly failed: boolean;
  readonly loop: boolean;
}

const MAX_AGENTS = 200;
/** Of an agent. */
const MAX_HELD = 5_000;

/** Nor does a task that nobody could begin say anything of its agent; of a version it may, as that has a schema and limits of its own. */
const NOT_ITS_OWN: ReadonlySet<string> = new Set([
  ...OF_NO_VERSION,
  ...(['task-invalid', 'too-large'] satisfies readonly EndCode[]),
]);

export const createAgentOutcomes = (max = MAX_HELD): AgentOutcomes => {
  /** By agent, and of each by execution: the one that was told longest ago first. */
  const held = new LRUCache<string, Map<string, Ended>>({ max: MAX_AGENTS });
  let generation = 0;
  const heldOf = (agent: string): Map<string, Ended> => {
    const known = held.get(agent) ?? new Map<string, Ended>();
    held.set(agent, known);
    return known;
  };
  return {
    event: ({ type, executionId, agent, at }, { result }) => {
      if (type !== 'response' || !result) return;
      const code = result.error?.code ?? '';
      if (NOT_ITS_OWN.has(code)) return;
      const failed = result.outcome !== 'completed';
      const ended = heldOf(agent);
      ended.delete(executionId);
      ended.set(executionId, { at, failed, loop: failed && LOOP_CODES.has(code) });
      const [first] = ended.size > max ? ended.keys() : [];
      if (first !== undefined) ended.delete(first);
    },
    since: (from) =>
      new Map(
        [...held.entries()].map(([agent, ended]) => {
          const endings = [...ended.values()].filter(({ at }) => at >= from);
          return [
            agent,
            {
              ended: endings.length,
              failed: endings.filter(({ failed }) => failed).length,
              loops: endings.filter(({ loop }) => loop).length,
            },
          ];
        }),
      ),
    generation: () => generation,
    clear: () => {
      held.clear();
      generation += 1;
    },
  };
};
